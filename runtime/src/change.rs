//! Which fields of an entity changed: one bit a field.

use crate::entity::{Entity, Slot};

/// The most fields that an entity may have; the compiler refuses more.
pub const FIELDS_MAX: usize = 512;

/// One bit for each field of an entity, by its index in the descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mask([u64; FIELDS_MAX / 64]);

impl Mask {
    /// An index past the last field is ignored.
    pub fn set(&mut self, index: usize) {
        if let Some(word) = self.0.get_mut(index / 64) {
            *word |= 1 << (index % 64);
        }
    }

    pub fn clear(&mut self, index: usize) {
        if let Some(word) = self.0.get_mut(index / 64) {
            *word &= !(1 << (index % 64));
        }
    }

    pub fn contains(&self, index: usize) -> bool {
        self.0
            .get(index / 64)
            .is_some_and(|word| word & (1 << (index % 64)) != 0)
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }
}

/// Notes in `mask` that `now` says something else than `before`.
pub fn note_change<T: PartialEq>(mask: &mut Mask, index: usize, now: &Slot<T>, before: &Slot<T>) {
    if !now.is_absent() && now != before {
        mask.set(index);
    }
}

/// Collects what changed, told of one field after the other in the order of the entity's table.
#[derive(Debug, Default)]
pub struct Changes {
    mask: Mask,
    next: usize,
}

impl Changes {
    /// Notes whether the next field says something else than `before`.
    ///
    /// Generated code calls this once a field. It stays out of line, so that forty calls compile to forty calls
    /// and not to forty inlined comparisons, which more than doubles the time to compile them.
    #[inline(never)]
    pub fn note<T: PartialEq>(&mut self, now: &Slot<T>, before: &Slot<T>) {
        note_change(&mut self.mask, self.next, now, before);
        self.next += 1;
    }

    pub fn mask(self) -> Mask {
        self.mask
    }
}

/// Every field that is not absent.
pub fn present(entity: &dyn Entity) -> Mask {
    let mut mask = Mask::default();
    for index in 0..entity.descriptor().fields.len() {
        if !entity.slot(index).is_absent() {
            mask.set(index);
        }
    }
    mask
}
