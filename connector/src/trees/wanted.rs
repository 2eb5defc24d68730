//! All rows of a tree to the records that there have to be.

use std::collections::BTreeMap;

use runtime::entity::{Entity, Kind};
use runtime::handler::{FieldError, Fitted, RecordError, fitted};
use runtime::mapping::{MappingDescriptor, Piece, Tree as Shape};
use runtime::queue::{Item, Outcome, TREE_AGAIN, TreeRecord};
use runtime::row::{self, RowError};
use rust_decimal::Decimal;
use serde_json::Value;

use super::{Tree, Wanted, Work, adopted, left_out, references, roles, root_key};
use crate::handlers::books::{self, Books, Sums};
use crate::handlers::currency;
use crate::sync::batch::{handler_of, without_npsp};
use crate::sync::{TwoWaySync, fields, outcome};

/// What a mapping makes of a tree's rows.
pub(super) struct Made {
    key: String,
    /// The keys that earlier versions may have used for the record.
    former: Vec<String>,
    pub(super) record: Box<dyn Entity>,
    /// Errors of the fields that are left out, since their values do not fit.
    errors: Vec<FieldError>,
}

/// Rows that make no record, with the record's key. The key is blank if it is unknown.
pub(super) struct Unmade {
    key: String,
    prefix: String,
    why: Unfit,
}

/// Records of a mapping that stay as they are, since their rows cannot be read.
pub(super) struct Unsure {
    mapping: &'static str,
    /// What their keys begin with. Blank means all of them.
    prefix: String,
}

impl Unsure {
    pub(super) fn covers(&self, record: &TreeRecord) -> bool {
        record.mapping == self.mapping && (self.prefix.is_empty() || self.begins(&record.key))
    }

    /// Returns whether a key begins with this one: `c-1:t-1` does not begin `c-1:t-10`.
    fn begins(&self, key: &str) -> bool {
        let rest = key.strip_prefix(&self.prefix);
        !self.prefix.is_empty()
            && rest.is_some_and(|rest| {
                rest.is_empty() || rest.starts_with(':') || self.prefix.ends_with(':')
            })
    }
}

/// Why nothing can be made of a tree's rows.
pub(super) enum Unfit {
    Row(RowError),
    Record(RecordError),
}

impl TwoWaySync {
    /// The mappings of a tree, its root first, each after those that its records come after.
    pub(crate) fn members(
        &self,
        root: &'static MappingDescriptor,
    ) -> Vec<&'static MappingDescriptor> {
        let all = self.handlers.iter().flat_map(|handler| handler.mappings());
        let mut left: Vec<&'static MappingDescriptor> = all
            .copied()
            .filter(|mapping| mapping.tree.is_some_and(|tree| tree.root == root.name))
            .collect();
        let mut order = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let ready = left.iter().position(|mapping| {
                !left
                    .iter()
                    .any(|other| other.name != mapping.name && comes_after(mapping, other))
            });
            order.push(left.remove(ready.unwrap_or_default()));
        }
        order
    }

    /// What mappings read as `$name`; without it no tree goes on.
    pub(super) async fn load_settings(&self, work: &mut Work) {
        match self.tree_settings().await {
            Ok(settings) => work.settings = settings,
            Err(error) => {
                let asking = work.asking();
                for tree in &mut work.trees {
                    tree.stop(self.unanswered_by(&asking, tree.attempts(), &error));
                }
            }
        }
    }

    /// Fills in what each tree has to have; one whose rows do not fit is stopped.
    pub(super) fn want_all(&self, work: &mut Work) {
        let mut trees = std::mem::take(&mut work.trees);
        for tree in trees.iter_mut().filter(|tree| tree.goes_on()) {
            adopted::tell(tree);
            self.want(work, tree);
            adopted::narrow(tree, work.root);
            references::settle_within(work, tree);
        }
        work.trees = trees;
    }

    fn want(&self, work: &Work, tree: &mut Tree) {
        let own = work.settings.get("currency").and_then(Value::as_str);
        if let Some(other) = currency::another(&tree.rows, own) {
            return tree.stop(outcome::dead(
                "another_currency",
                format!("{} {} is in {other}, the org's currency is {}", work.root.name, tree.id, own.unwrap_or_default()),
                None,
                "Book it by hand, or correct `currency` in usher.toml's settings; then retry the item.",
            ));
        }
        set_aside_foreign(work, tree);
        let given_back_of_gifts = self.keep_books(work, tree);
        for mapping in &work.members {
            let Some(shape) = mapping.tree.filter(|shape| work.npsp || !shape.needs_npsp) else {
                continue;
            };
            let (made, unfit) = self.made_of_rows(work, mapping, shape, &tree.rows);
            add(tree, work.root, mapping, made);
            for unmade in unfit {
                note_unmade(tree, work.root, mapping, unmade);
            }
        }
        tree.checked = &OF_ROWS;
        roles::once_each(&mut tree.wanted);
        books::lower(&mut tree.wanted, given_back_of_gifts);
        let mut mappings = tree.wanted.iter().map(|wanted| wanted.mapping);
        let has_root = mappings.any(|mapping| is_of_root(work.root, mapping));
        if !has_root && tree.goes_on() {
            without_root(work, tree);
        }
    }

    /// Rewrites a cart's rows by its books and reports their problems. Returns the amount by which the allocations have
    /// to be lowered.
    fn keep_books(&self, work: &Work, tree: &mut Tree) -> Decimal {
        if work.root.name != books::CART {
            return Decimal::ZERO;
        }
        let Tree { rows, others, .. } = tree;
        let books = Books::open(&tree.id, rows, others, &work.settings, work.npsp);
        let lines = match books.went_back {
            true => self.add_up_lines(work, &tree.rows),
            false => Sums::default(),
        };
        let sums = books.sums(lines);
        if books.went_back {
            books.adjust(&tree.id, &mut tree.rows, sums);
        }
        for misread in &books.misread {
            tree.keep_earlier(work.root, misread);
        }
        for problem in books.problems(&tree.id) {
            tree.report(problem);
        }
        match books.went_back {
            true => sums.given_back_of_gifts(),
            false => Decimal::ZERO,
        }
    }

    /// Adds up the prices of a cart's lines, with the refunded ones, under either setting of `refund`.
    fn add_up_lines(&self, work: &Work, rows: &BTreeMap<String, Vec<Value>>) -> Sums {
        let mut sums = Sums::default();
        let members = work.members.iter().copied();
        for mapping in members.filter(|one| one.object == books::LINE) {
            if mapping.name == books::KEPT {
                continue;
            }
            for mut row in reduced(mapping, rows).unwrap_or_default() {
                row::with_settings(&mut row, &work.settings);
                put(&mut row, REFUND, "reduce_lines");
                let is_kept = row::exists(mapping, &row);
                put(&mut row, REFUND, "negative_payment");
                if !row::exists(mapping, &row) {
                    continue;
                }
                let is_gift = books::is_gift(&row);
                // A row that makes no line is reported by `want`.
                if let Ok(made) = self.made_of_row(mapping, row, work.npsp) {
                    sums.add(price(made.record.as_ref()), is_kept, is_gift);
                }
            }
        }
        sums
    }

    /// What a mapping makes of the rows, and what cannot be made.
    pub(super) fn made_of_rows(
        &self,
        work: &Work,
        mapping: &'static MappingDescriptor,
        shape: &'static Shape,
        rows: &BTreeMap<String, Vec<Value>>,
    ) -> (Vec<Made>, Vec<Unmade>) {
        let (mut made, mut unfit) = (Vec::new(), Vec::new());
        let unmade = |(key, prefix): (String, String), why: Unfit| Unmade { key, prefix, why };
        let rows = reduced(mapping, rows).unwrap_or_else(|error| {
            unfit.push(unmade(Default::default(), error));
            Vec::new()
        });
        for mut reduced in rows {
            row::with_settings(&mut reduced, &work.settings);
            let key = known_by(mapping, shape, &reduced);
            let key = (key, known_from(mapping, &reduced));
            let each = match &shape.for_each {
                Some(for_each) if row::may_exist(mapping, &reduced) => {
                    row::entries(for_each, &reduced)
                }
                Some(_) => Ok(Vec::new()),
                None => Ok(vec![reduced]),
            };
            match each {
                Ok(each) => {
                    for row in each.into_iter().filter(|row| row::exists(mapping, row)) {
                        match self.made_of_row(mapping, row, work.npsp) {
                            Ok(one) => made.push(one),
                            Err(error) => unfit.push(unmade(key.clone(), error)),
                        }
                    }
                }
                Err(error) => unfit.push(unmade(key, Unfit::Row(error))),
            }
        }
        (made, unfit)
    }

    fn made_of_row(
        &self,
        mapping: &'static MappingDescriptor,
        mut row: Value,
        npsp: bool,
    ) -> Result<Made, Unfit> {
        let errors = row::compute(mapping, &mut row).map_err(Unfit::Row)?;
        let mut made = self.record_of(mapping, &row, npsp).map_err(Unfit::Record)?;
        made.errors.splice(..0, errors);
        // Without NPSP the field is left out anyway.
        made.errors
            .retain(|error| npsp || !fields::needs_npsp(mapping, error));
        blank_unfit(mapping, &mut made);
        Ok(made)
    }

    fn record_of(
        &self,
        mapping: &'static MappingDescriptor,
        row: &Value,
        npsp: bool,
    ) -> Result<Made, RecordError> {
        let bytes = spelled(mapping, row).to_string().into_bytes();
        let handler = handler_of(&self.handlers, mapping)?;
        let read = |row: &[u8]| handler.to_record(mapping.name, row);
        let Fitted { mut record, errors } = fitted(mapping, &bytes, &read)?;
        without_npsp(record.as_mut(), npsp);
        Ok(Made {
            key: runtime::json::text_at(row, mapping.key).unwrap_or_default(),
            former: books::keys::former(mapping.name, row),
            record,
            errors,
        })
    }
}

/// Reports payments in another currency. The rest of the cart goes on without them.
fn set_aside_foreign(work: &Work, tree: &mut Tree) {
    let own = work.settings.get("currency").and_then(Value::as_str);
    let payments = tree.rows.get_mut(books::PAYMENTS);
    let (Some(own), Some(payments)) = (own, payments) else {
        return;
    };
    for (id, currency) in currency::set_aside(payments, own) {
        tree.report(books::foreign(&tree.id, &id, &currency, own));
    }
}

/// Beginnings of the causes that follow from the rows alone. The rows settle such a problem also where a later stage
/// stops the tree.
const OF_ROWS: [&str; 2] = [books::PAYMENT, fields::FIELD];

/// The setting that decides whether a refund deletes its line.
const REFUND: &str = "$refund";

fn put(row: &mut Value, name: &str, word: &str) {
    if let Value::Object(members) = row {
        members.insert(name.to_owned(), Value::from(word));
    }
}

/// The price of a line times its quantity.
fn price(line: &dyn Entity) -> Decimal {
    let number = |field: &str| {
        let index = line.descriptor().field(field)?;
        line.slot(index).text()?.parse::<Decimal>().ok()
    };
    let quantity = number("Quantity").unwrap_or(Decimal::ONE);
    number("UnitPrice").unwrap_or_default() * quantity
}

/// Blanks the fields whose values do not fit: a value of an earlier row would depend on the order. Fields that only a
/// create sets keep their first value.
fn blank_unfit(mapping: &MappingDescriptor, made: &mut Made) {
    for error in &made.errors {
        if let Some(index) = mapping.record.field(error.destination) {
            leave_blank(made.record.as_mut(), index);
        }
    }
}

/// Blanks a field that updates write. Any other field is left out.
pub(super) fn leave_blank(record: &mut dyn Entity, index: usize) {
    let fields = record.descriptor().fields;
    match fields.get(index) {
        Some(field) if !field.create_only => record.slot_mut(index).set_blank(),
        _ => record.slot_mut(index).set_absent(),
    }
}

/// Reports rows that make no record, unless an error of the record that it belongs to says the same. Their records are
/// unknown, so usher deletes none of them.
fn note_unmade(
    tree: &mut Tree,
    root: &MappingDescriptor,
    mapping: &'static MappingDescriptor,
    Unmade { key, prefix, why }: Unmade,
) {
    let mut others = tree.unsure.iter();
    let is_told = others.any(|unsure| unsure.mapping != mapping.name && unsure.begins(&prefix));
    tree.unsure.push(Unsure {
        mapping: mapping.name,
        prefix,
    });
    if is_told {
        return;
    }
    let (outcome, cause) = match why {
        Unfit::Record(error) => (
            outcome::unfit(mapping, &error),
            fields::cause_of_unfit(mapping, &error),
        ),
        Unfit::Row(error) => (cannot_be_made(mapping, &error), None),
    };
    tree.refuse_for(root, mapping, &key, outcome, cause);
}

/// The key of a reduced row, or else a value that names it, for error texts.
fn known_by(mapping: &MappingDescriptor, shape: &Shape, row: &Value) -> String {
    let text = |path| row::text(row, path);
    let reduced_by = shape.reduce.iter().flat_map(|reduce| reduce.by);
    let made = row::made_key(mapping, text).or_else(|| text(mapping.key));
    let known = made.or_else(|| reduced_by.copied().find_map(text));
    known.unwrap_or_default()
}

/// What the keys of a reduced row's records begin with: the key as far as its members are known.
fn known_from(mapping: &MappingDescriptor, row: &Value) -> String {
    let Some(pieces) = row::key_template(mapping) else {
        return row::text(row, mapping.key).unwrap_or_default();
    };
    let mut known = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => known += text,
            Piece::Member(path) => match row::text(row, path) {
                Some(text) => known += &text,
                None => break,
            },
        }
    }
    known
}

/// Nothing is written without the root. Where its own rows say that there shall be none, that is all; else the items
/// wait for it.
fn without_root(work: &Work, tree: &mut Tree) {
    tree.wanted.clear();
    let is_roots_own = |item: &Item| {
        item.payload_type == work.root.payload_type || item.payload_type == TREE_AGAIN
    };
    tree.left_out = left_out::is(work.root, &work.members, &tree.rows, &work.settings);
    if tree.left_out {
        // No money waits for a sale that is kept out of Salesforce.
        tree.problems.clear();
        tree.faults.clear();
    }
    if tree.left_out || tree.items.iter().all(is_roots_own) {
        return;
    }
    tree.stop(Outcome::Park {
        key: root_key(work.root, &tree.id),
        reason: format!("{} {} is not there yet", work.root.name, tree.id),
    });
}

/// Amounts come as texts, as far as is known; one that comes as a number is the same.
fn spelled(mapping: &MappingDescriptor, row: &Value) -> Value {
    let mut row = row.clone();
    for field in mapping
        .payload
        .fields
        .iter()
        .filter(|field| field.kind == Kind::Text)
    {
        let mut value = Some(&mut row);
        for name in field.path {
            value = value.and_then(|value| value.get_mut(*name));
        }
        if let Some(value) = value.filter(|value| value.is_number()) {
            *value = Value::from(value.to_string());
        }
    }
    row
}

/// Does the one refer to the other, or say that it comes after it?
pub(super) fn comes_after(one: &MappingDescriptor, other: &MappingDescriptor) -> bool {
    let named = one
        .tree
        .is_some_and(|tree| tree.after.contains(&other.name));
    // What writes the root's record stands for the root.
    let of = |mapping: &MappingDescriptor| {
        let record_of = mapping.tree.and_then(|tree| tree.record_of);
        record_of.unwrap_or(mapping.name)
    };
    let refers = one
        .record
        .fields
        .iter()
        .any(|field| matches!(field.kind, Kind::Reference { mapping } if mapping == of(other)));
    named || (refers && of(one) != of(other))
}

pub(super) fn reduced(
    mapping: &MappingDescriptor,
    rows: &BTreeMap<String, Vec<Value>>,
) -> Result<Vec<Value>, Unfit> {
    match rows.get(mapping.payload_type) {
        Some(rows) => row::reduced(mapping, rows).map_err(Unfit::Row),
        None => Ok(Vec::new()),
    }
}

/// What writes the root's record is known by the root's id.
fn add(
    tree: &mut Tree,
    root: &'static MappingDescriptor,
    mapping: &'static MappingDescriptor,
    made: Vec<Made>,
) {
    for made in made {
        let key = match is_of_root(root, mapping) {
            true => tree.id.clone(),
            false => made.key,
        };
        tree.leave_out(root, mapping, &key, &made.errors);
        tree.wanted.push(Wanted {
            former: made.former,
            ..Wanted::new(mapping, key, made.record)
        });
    }
}

/// Does the mapping write the root's record?
pub(crate) fn is_of_root(root: &MappingDescriptor, mapping: &MappingDescriptor) -> bool {
    let of = mapping.tree.and_then(|tree| tree.record_of);
    mapping.name == root.name || of == Some(root.name)
}

fn cannot_be_made(mapping: &MappingDescriptor, error: &RowError) -> Outcome {
    outcome::dead(
        fields::CANNOT_CONVERT,
        error.to_string(),
        Some(mapping.file.to_owned()),
        "Correct the value in Ticketure or the mapping; then retry the item.",
    )
}
