//! The gates of the way back: what was monitored changed, and nothing that is required is blank.

use crate::change::Mask;
use crate::entity::Entity;
use crate::mapping::MappingDescriptor;

/// Fields that let a record go back, by whose change it does.
pub fn monitored_changed(mapping: &MappingDescriptor, now: &dyn Entity, base: &dyn Entity) -> Mask {
    let mut mask = Mask::default();
    for field in 0..mapping.record.fields.len() {
        let sync = mapping.sync(field);
        if sync.both && sync.monitored && !now.slot(field).equivalent(base.slot(field)) {
            mask.set(field);
        }
    }
    mask
}

/// Required fields that are blank: while there is one, the record does not go back.
pub fn missing_required(mapping: &MappingDescriptor, record: &dyn Entity) -> Vec<usize> {
    (0..mapping.record.fields.len())
        .filter(|field| mapping.sync(*field).required && record.slot(*field).is_blank())
        .collect()
}
