//! The name that somebody probably meant.

/// The nearest of the names: the same but for case and underscores, else the fewest edits, never too many.
pub fn nearest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let names = names.into_iter().map(|name| (name, true));
    nearest_fitting(wrong, names).first().copied()
}

/// The same of names of which some fit, by their type for example: one that fits goes before a nearer one that does
/// not, unless that is the very name. Up to three, when they are equally near; the shortest first.
pub fn nearest_fitting<'n>(
    wrong: &str,
    names: impl IntoIterator<Item = (&'n str, bool)>,
) -> Vec<&'n str> {
    let (folded, words) = (fold(wrong), words(wrong));
    let most = (folded.chars().count() / 3).clamp(1, 4);
    let far = |name: &str| match distance(&folded, &fold(name)) {
        // `PhoneMobile` for `MobilePhone`.
        far if far > 1 && words.len() > 1 && self::words(name) == words => 1,
        far => far,
    };
    let mut near: Vec<((bool, usize), &str)> = names
        .into_iter()
        .map(|(name, fits)| (far(name), fits, name))
        .filter(|(far, _, _)| *far <= most)
        .map(|(far, fits, name)| ((far > 0 && !fits, far), name))
        .collect();
    near.sort_by_key(|(key, name)| (*key, name.len(), *name));
    let best = near.first().map(|(key, _)| *key);
    near.retain(|(key, _)| Some(*key) == best);
    near.into_iter().map(|(_, name)| name).take(3).collect()
}

/// Its words in lower case, sorted.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut after_small = false;
    for letter in name.strip_suffix("__c").unwrap_or(name).chars().take(80) {
        let starts = after_small && letter.is_uppercase();
        if !letter.is_alphanumeric() || starts || words.is_empty() {
            words.push(String::new());
        }
        if let (true, Some(word)) = (letter.is_alphanumeric(), words.last_mut()) {
            word.extend(letter.to_lowercase());
        }
        after_small = letter.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words.sort();
    words
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
    use super::{nearest, nearest_fitting};

    #[test]
    fn what_fits_goes_before_what_is_nearer() {
        let names = [
            ("MailingCity", true),
            ("MailingCode", false),
            ("MobilePhone", true),
        ];
        assert_eq!(nearest_fitting("MailingCods", names), ["MailingCity"]);
        assert_eq!(nearest_fitting("mailing_code", names), ["MailingCode"]);
        assert_eq!(nearest_fitting("PhoneMobile", names), ["MobilePhone"]);
        let equal = [("line1", true), ("line2", true), ("line3", false)];
        assert_eq!(nearest_fitting("line", equal), ["line1", "line2"]);
    }

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
