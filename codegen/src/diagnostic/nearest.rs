//! The name that somebody probably meant.

/// The nearest of the names: the same but for case and underscores, else the fewest edits, never too many.
pub fn nearest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let folded = fold(wrong);
    let most = (folded.chars().count() / 3).clamp(1, 4);
    names
        .into_iter()
        .map(|name| (distance(&folded, &fold(name)), name))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, name)| (*distance, name.len(), *name))
        .map(|(_, name)| name)
}

fn fold(name: &str) -> String {
    let bare = name.strip_suffix("__c").unwrap_or(name);
    bare.chars()
        .filter(|letter| *letter != '_' && *letter != '-')
        .flat_map(char::to_lowercase)
        .collect()
}

/// Edits from one to the other: a letter more, less, other, or two neighbours swapped.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) =
        (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at =
                |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&row, j) + usize::from(x != y))
                .min(at(&row, j + 1) + 1)
                .min(at(&next, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn typing_mistakes_are_near_and_other_words_are_not() {
        let names = ["FirstName", "LastName", "Email", "Ticketure_Identity_Id__c"];
        assert_eq!(nearest("FristName", names), Some("FirstName"));
        assert_eq!(nearest("first_name", names), Some("FirstName"));
        assert_eq!(
            nearest("Ticketure_Identity_Id", names),
            Some("Ticketure_Identity_Id__c")
        );
        assert_eq!(nearest("Emial", names), Some("Email"));
        assert_eq!(nearest("Birthday", names), None);
    }
}
