//! What NPSP says when it refuses a record, and what an operator does about it.
//!
//! The texts are NPSP's own labels in English (reference: SalesforceFoundation/NPSP, `ALLO_Allocations_TDTM`,
//! `PMT_ValidationService`, `PMT_RefundService`, `HouseholdService`); an org in another language gets the general advice.

/// A part of NPSP's text, and what to do.
const TEXTS: &[(&str, &str)] = &[
    (
        "Choose an active General Accounting Unit",
        "Activate the General Accounting Unit that the fund's code names, or map the code to another one in allocation.yaml; then retry the item.",
    ),
    (
        "Allocation totals can't exceed the amount",
        "Somebody allocated a part of this opportunity by hand, or its amount was changed: correct its GAU allocations in Salesforce; then retry the item.",
    ),
    (
        "Allocation totals for this Opportunity exceed the Opportunity amount",
        "Lower or delete the GAU allocations that were made by hand in Salesforce; then retry the item.",
    ),
    (
        "has only one parent object",
        "The mapping of allocations names two parents: name the opportunity alone; then retry the item.",
    ),
    (
        "A paid Payment must have a Payment Date",
        "The mapping of payments has to give npe01__Payment_Date__c a value, or the payload lacks its time; then retry the item.",
    ),
    (
        "Scheduled Date",
        "The mapping of payments has to give npe01__Scheduled_Date__c a value while a payment is not paid; then retry the item.",
    ),
    (
        "Written Off",
        "Somebody wrote the payment off in Salesforce, and Ticketure says that it was paid: decide there which is true; then retry the item.",
    ),
    (
        "Failed to create Account for Contact",
        "NPSP could not make the household: an own rule or trigger on Account refused it, see the rest of the message; mend that, then retry the item.",
    ),
    (
        "can't be refunded yet",
        "The payment that is given back is not marked as paid in Salesforce: see who changed it there; then retry the item.",
    ),
    (
        "already been refunded",
        "In Salesforce the whole payment is given back already, perhaps by hand: delete there the refund that is too much; then retry the item.",
    ),
    (
        "less than or equal to the remaining balance",
        "In Salesforce a part of the payment is given back already, perhaps by hand: delete there the refund that is too much; then retry the item.",
    ),
    (
        "allocate at the payment level",
        "The mapping of allocations names a payment, and the org allocates opportunities: name the opportunity; then retry the item.",
    ),
    (
        "Original Payment",
        "A refund needs the payment that it gives back, which has to be paid: see whether it was deleted or set to unpaid in Salesforce; then retry the item.",
    ),
];

/// What to do about a message of NPSP's.
pub(crate) fn help(message: &str) -> Option<&'static str> {
    let message = message.to_lowercase();
    TEXTS
        .iter()
        .find(|(text, _)| message.contains(&text.to_lowercase()))
        .map(|(_, help)| *help)
}

#[cfg(test)]
mod tests {
    use super::help;

    #[test]
    fn its_words_are_known_in_whatever_case() {
        let said = "mapping: FIELD_CUSTOM_VALIDATION_EXCEPTION: Allocation totals can't exceed the amount of the related Payment or Opportunity.";
        assert!(help(said).is_some_and(|help| help.contains("by hand")));
        assert_eq!(help("Something else"), None);
    }
}
