//! Who moves into a household whose own people move.

use std::collections::BTreeMap;

use super::Relative;

/// Where the one whose household it is moves as well, everybody goes along. Of those who are of each other's families
/// the first one stays.
pub(super) fn follow(moving: &mut Vec<Relative>) {
    let anchors: BTreeMap<String, String> = moving
        .iter()
        .map(|one| (one.contact.clone(), one.anchor.clone()))
        .collect();
    moving.retain(|one| {
        let round = chain(&anchors, &one.contact);
        let is_round = round.last().and_then(|last| anchors.get(last)) == Some(&one.contact);
        !is_round || round.iter().min() != Some(&one.contact)
    });
    let to: BTreeMap<String, (String, String)> = moving
        .iter()
        .map(|one| (one.contact.clone(), (one.anchor.clone(), one.to.clone())))
        .collect();
    let anchors: BTreeMap<String, String> = to
        .iter()
        .map(|(contact, (anchor, _))| (contact.clone(), anchor.clone()))
        .collect();
    for relative in moving {
        let last = chain(&anchors, &relative.contact).into_iter().last();
        if let Some((_, last)) = last.and_then(|last| to.get(&last)) {
            relative.to.clone_from(last);
        }
    }
}

/// Who moves, and whoever they move after, each once.
fn chain(anchors: &BTreeMap<String, String>, contact: &str) -> Vec<String> {
    let mut chain = vec![contact.to_owned()];
    let mut next = anchors.get(contact);
    while let Some(anchor) = next.filter(|anchor| anchors.contains_key(*anchor)) {
        if chain.contains(anchor) {
            break;
        }
        chain.push(anchor.clone());
        next = anchors.get(anchor);
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_moves_after_somebody_who_moves_goes_along() {
        let one = |contact: &str, anchor: &str| Relative {
            trees: vec![0],
            identity: contact.to_owned(),
            contact: contact.to_owned(),
            anchor: anchor.to_owned(),
            from: format!("of {contact}"),
            to: format!("of {anchor}"),
        };
        let moved = |mut moving: Vec<Relative>| -> Vec<(String, String)> {
            follow(&mut moving);
            moving
                .into_iter()
                .map(|one| (one.contact, one.to))
                .collect()
        };
        let pair = |contact: &str, to: &str| (contact.to_owned(), to.to_owned());
        assert_eq!(
            moved(vec![one("c", "b"), one("b", "a")]),
            [pair("c", "of a"), pair("b", "of a")]
        );
        assert_eq!(
            moved(vec![one("a", "b"), one("b", "a")]),
            [pair("b", "of a")]
        );
        assert_eq!(
            moved(vec![one("d", "c"), one("b", "c"), one("c", "b")]),
            [pair("d", "of b"), pair("c", "of b")]
        );
    }
}
