//! The difference of two records written out by hand: what changed, as bits.

use runtime::entity::Slot;

use super::mapped::entity_0000::Entity0000Record as Record;

fn changed<T: PartialEq>(now: &Slot<T>, before: &Slot<T>) -> bool {
    !now.is_absent() && now != before
}

/// One bit a field.
pub fn difference(now: &Record, before: &Record) -> u64 {
    let mut bits = u64::from(changed(&now.field_number_0, &before.field_number_0));
    bits |= u64::from(changed(&now.field_number_1, &before.field_number_1)) << 1;
    bits |= u64::from(changed(&now.field_number_2, &before.field_number_2)) << 2;
    bits |= u64::from(changed(&now.field_number_3, &before.field_number_3)) << 3;
    bits |= u64::from(changed(&now.field_number_4, &before.field_number_4)) << 4;
    bits |= u64::from(changed(&now.field_number_5, &before.field_number_5)) << 5;
    bits |= u64::from(changed(&now.field_number_6, &before.field_number_6)) << 6;
    bits |= u64::from(changed(&now.field_number_7, &before.field_number_7)) << 7;
    bits |= u64::from(changed(&now.field_number_8, &before.field_number_8)) << 8;
    bits |= u64::from(changed(&now.field_number_9, &before.field_number_9)) << 9;
    bits |= u64::from(changed(&now.field_number_10, &before.field_number_10)) << 10;
    bits |= u64::from(changed(&now.field_number_11, &before.field_number_11)) << 11;
    bits |= u64::from(changed(&now.field_number_12, &before.field_number_12)) << 12;
    bits |= u64::from(changed(&now.field_number_13, &before.field_number_13)) << 13;
    bits |= u64::from(changed(&now.field_number_14, &before.field_number_14)) << 14;
    bits |= u64::from(changed(&now.field_number_15, &before.field_number_15)) << 15;
    bits |= u64::from(changed(&now.field_number_16, &before.field_number_16)) << 16;
    bits |= u64::from(changed(&now.field_number_17, &before.field_number_17)) << 17;
    bits |= u64::from(changed(&now.field_number_18, &before.field_number_18)) << 18;
    bits |= u64::from(changed(&now.field_number_19, &before.field_number_19)) << 19;
    bits |= u64::from(changed(&now.field_number_20, &before.field_number_20)) << 20;
    bits |= u64::from(changed(&now.field_number_21, &before.field_number_21)) << 21;
    bits |= u64::from(changed(&now.field_number_22, &before.field_number_22)) << 22;
    bits |= u64::from(changed(&now.field_number_23, &before.field_number_23)) << 23;
    bits |= u64::from(changed(&now.field_number_24, &before.field_number_24)) << 24;
    bits |= u64::from(changed(&now.field_number_25, &before.field_number_25)) << 25;
    bits |= u64::from(changed(&now.field_number_26, &before.field_number_26)) << 26;
    bits |= u64::from(changed(&now.field_number_27, &before.field_number_27)) << 27;
    bits |= u64::from(changed(&now.field_number_28, &before.field_number_28)) << 28;
    bits |= u64::from(changed(&now.field_number_29, &before.field_number_29)) << 29;
    bits |= u64::from(changed(&now.field_number_30, &before.field_number_30)) << 30;
    bits |= u64::from(changed(&now.field_number_31, &before.field_number_31)) << 31;
    bits |= u64::from(changed(&now.field_number_32, &before.field_number_32)) << 32;
    bits |= u64::from(changed(&now.field_number_33, &before.field_number_33)) << 33;
    bits |= u64::from(changed(&now.field_number_34, &before.field_number_34)) << 34;
    bits |= u64::from(changed(&now.field_number_35, &before.field_number_35)) << 35;
    bits |= u64::from(changed(&now.field_number_36, &before.field_number_36)) << 36;
    bits |= u64::from(changed(&now.field_number_37, &before.field_number_37)) << 37;
    bits |= u64::from(changed(&now.field_number_38, &before.field_number_38)) << 38;
    bits |= u64::from(changed(&now.field_number_39, &before.field_number_39)) << 39;
    bits |= u64::from(changed(&now.ticketure_id, &before.ticketure_id)) << 40;
    bits
}
