//! The limits of Salesforce's fields: the range of dates, and the digits of numbers.

use crate::entity::{FieldDescriptor, Kind, SlotRef};

/// The first and the last day of Salesforce's calendar. Source: Salesforce's SOAP API guide, primitive data types.
const FIRST_DAY: &str = "1700-01-01";
const LAST_DAY: &str = "4000-12-31";

/// Returns the error text for a value that Salesforce's field cannot hold.
pub(super) fn outside(field: &FieldDescriptor, slot: SlotRef<'_>) -> Option<String> {
    match slot {
        SlotRef::Date(slot) => day(&slot.value()?.to_string()),
        SlotRef::Text(slot) => {
            let text = slot.value()?;
            match field.kind {
                Kind::DateTime => day(text),
                Kind::Decimal { .. } => digits(field.whole_digits?, text),
                _ => None,
            }
        }
        SlotRef::Boolean(_) => None,
    }
}

/// Compares days as texts, which sort by time. The sign of a year before 0 sorts before every digit.
fn day(text: &str) -> Option<String> {
    let day = text.get(..FIRST_DAY.len())?;
    let fits = (FIRST_DAY..=LAST_DAY).contains(&day);
    (!fits).then(|| format!("Salesforce has dates from {FIRST_DAY} to {LAST_DAY} only"))
}

fn digits(most: u32, text: &str) -> Option<String> {
    let whole = text.trim_start_matches('-').split('.').next()?;
    let count = whole.trim_start_matches('0').len();
    let fits = u32::try_from(count).is_ok_and(|count| count <= most);
    (!fits).then(|| format!("the field takes at most {most} digits before the point"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::Slot;

    fn of(field: FieldDescriptor, text: &str) -> bool {
        outside(&field, SlotRef::Text(&Slot::text(text))).is_none()
    }

    #[test]
    fn days_are_within_salesforces_calendar() {
        let day = |year, month, day| {
            let date = Slot::Value(jiff::civil::date(year, month, day));
            let field = FieldDescriptor::new(&["Birthdate"], Kind::Date);
            outside(&field, SlotRef::Date(&date)).is_none()
        };
        assert!(day(1700, 1, 1) && day(4000, 12, 31) && day(2004, 2, 29));
        assert!(!day(1, 1, 1) && !day(1699, 12, 31) && !day(4001, 1, 1) && !day(-1, 1, 1));
        let time = |text| of(FieldDescriptor::new(&["At__c"], Kind::DateTime), text);
        assert!(time("2026-03-01T18:04:05Z") && !time("0001-01-01T00:00:00Z"));
    }

    #[test]
    fn numbers_have_the_digits_of_their_field() {
        let amount = |text| {
            let field = FieldDescriptor::new(&["Amount"], Kind::Decimal { scale: 2 });
            of(field.whole_digits(3), text)
        };
        assert!(amount("999.99") && amount("-999.99") && amount("0.50"));
        assert!(!amount("1000.00") && !amount("-1000.00"));
        let any = FieldDescriptor::new(&["Amount"], Kind::Decimal { scale: 2 });
        assert!(of(any, "123456789.00"));
    }
}
