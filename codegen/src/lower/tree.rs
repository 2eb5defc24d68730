//! Trees, and members that are made: every name final, nested values in members of their own.

use super::names::screaming;
use super::values;
use crate::ir;
use crate::model::{self, FoldWord, Made, Rule, SourceField};

/// What a mapping makes beside its rows' own members.
#[derive(Default)]
pub struct Making {
    pub computed: Vec<ir::Computed>,
    pub lookups: Vec<ir::Lookup>,
}

/// The member that a field's value is made into.
pub fn name(destination: &str) -> String {
    format!("${destination}")
}

impl Making {
    /// Everything that the mapping makes, in the order of its fields; its tree, which may make something too.
    pub fn of(mapping: &model::Mapping) -> (Making, Option<ir::Tree>) {
        let mut making = Making::default();
        if let Some(rule) = &mapping.key.made {
            let key = mapping.key.source.dotted();
            making.add(&key, rule);
        }
        for field in &mapping.fields {
            if let model::Origin::Computed(rule) = &field.origin {
                making.add(&name(&field.destination.schema.name), rule);
            }
        }
        let tree = mapping.tree.as_ref();
        let tree = tree.map(|tree| making.tree(mapping, tree));
        (making, tree)
    }

    /// What a record's field holds that asks for another record.
    pub fn lookup_kind(&self, field: &str) -> Option<ir::Kind> {
        let index = self
            .lookups
            .iter()
            .position(|lookup| lookup.field == field)?;
        let lookup = self.lookups.get(index)?;
        Some(ir::Kind::Lookup {
            index,
            static_name: lookup.static_name.clone(),
        })
    }

    fn add(&mut self, name: &str, rule: &Rule) {
        let rule = self.rule(name, rule);
        self.computed.push(ir::Computed {
            name: name.to_owned(),
            rule,
        });
    }

    fn rule(&mut self, name: &str, rule: &Rule) -> ir::Rule {
        match rule {
            Rule::Template(pieces) => ir::Rule::Template(self::pieces(pieces)),
            Rule::Cases(cases) => ir::Rule::Cases(
                cases
                    .iter()
                    .enumerate()
                    .map(|(number, case)| ir::Case {
                        when: conditions(&case.when),
                        then: self.made(&format!("{name}.{}", number + 1), &case.then),
                    })
                    .collect(),
            ),
            Rule::Values {
                of,
                table,
                otherwise,
                ..
            } => ir::Rule::Values {
                of: of.path.clone(),
                table: table
                    .iter()
                    .map(|(from, to)| (from.value.clone(), to.value.clone()))
                    .collect(),
                otherwise: match otherwise {
                    model::Otherwise::Fail => ir::Otherwise::Fail,
                    model::Otherwise::Same => ir::Otherwise::Same,
                    model::Otherwise::Constant(constant) => {
                        ir::Otherwise::Constant(constant.value.clone())
                    }
                },
            },
            Rule::DateIn { time, zones, .. } => ir::Rule::DateIn {
                time: time.path.clone(),
                zones: paths(zones),
            },
            Rule::Negative(source) => ir::Rule::Negative(source.path.clone()),
            Rule::FirstOf(sources) => ir::Rule::FirstOf(paths(sources)),
            Rule::Lookup(lookup) => {
                let lookup = self.lookup(name, lookup);
                self.lookups.push(lookup);
                ir::Rule::Lookup(self.lookups.len() - 1)
            }
        }
    }

    /// A value; a template in it becomes a member of its own, which is made before.
    fn made(&mut self, name: &str, made: &Made) -> ir::Made {
        match made {
            Made::Constant(literal) => ir::Made::Constant(literal.value.clone()),
            Made::Member(source) => ir::Made::Member(source.path.clone()),
            Made::FirstOf(sources) => ir::Made::FirstOf(paths(sources)),
            Made::Template(_, pieces) => {
                self.computed.push(ir::Computed {
                    name: name.to_owned(),
                    rule: ir::Rule::Template(self::pieces(pieces)),
                });
                ir::Made::Member(vec![name.to_owned()])
            }
        }
    }

    fn lookup(&mut self, name: &str, lookup: &model::Lookup) -> ir::Lookup {
        let field = name.trim_start_matches('$').to_owned();
        let by = self.made_fields(name, &lookup.by);
        let create = self.made_fields(name, &lookup.create);
        ir::Lookup {
            static_name: format!("LOOKUP_{}", screaming(&field)),
            field,
            object: lookup.object.value.clone(),
            by,
            within: lookup.within.as_ref().map(|within| {
                let of = within.of.iter();
                let of = of.map(|(mapping, path)| (mapping.value.clone(), path.path.clone()));
                (within.field.schema.name.clone(), of.collect())
            }),
            missing: match &lookup.missing.value {
                model::Missing::Create => ir::Missing::Create,
                model::Missing::Fail => ir::Missing::Fail,
                model::Missing::Leave => ir::Missing::Leave,
                model::Missing::Use(constant) => ir::Missing::Use(constant.value.clone()),
            },
            create,
        }
    }

    fn made_fields(
        &mut self,
        name: &str,
        fields: &[(model::LookupField, Made)],
    ) -> Vec<(String, ir::Made)> {
        fields
            .iter()
            .map(|(field, made)| {
                let made = self.made(&format!("{name}.{}", field.name), made);
                (field.name.clone(), made)
            })
            .collect()
    }

    fn tree(&mut self, mapping: &model::Mapping, tree: &model::Tree) -> ir::Tree {
        let last = mapping.fields.iter().find_map(|field| {
            let last = field.written_last.as_ref()?;
            Some((field.destination.schema.name.clone(), last))
        });
        let or_first = mapping
            .fields
            .iter()
            .filter(|field| field.or_first.is_some());
        ir::Tree {
            root: tree.root.value.clone(),
            record_of: tree.record_of.as_ref().map(|of| of.value.clone()),
            adopt: tree.adopt.iter().map(adopt).collect(),
            reduce: tree.reduce.as_ref().map(reduce),
            for_each: tree.for_each.as_ref().map(|each| ir::ForEach {
                list: each.list.path.clone(),
                share: each.share.as_ref().map(|share| share.path.clone()),
            }),
            exists_when: conditions(&tree.exists_when),
            unless: tree.unless.iter().map(|case| conditions(case)).collect(),
            gone: tree.gone,
            needs_npsp: tree.needs_npsp.is_some(),
            natural_key: mapping
                .key
                .natural
                .iter()
                .map(|field| field.schema.name.clone())
                .collect(),
            after: tree.after.iter().map(|name| name.value.clone()).collect(),
            written_last: last.map(|(field, last)| ir::WrittenLast {
                until_then: self.made(&format!("${field}.until"), &last.until_then),
                field,
            }),
            or_first: or_first
                .map(|field| field.destination.schema.name.clone())
                .collect(),
        }
    }
}

/// Every path that a row has to have been read at, to be told apart or reduced.
pub fn conditions(conditions: &[model::Condition]) -> Vec<ir::Condition> {
    conditions
        .iter()
        .map(|condition| ir::Condition {
            path: condition.source.path.clone(),
            is: condition.is.clone(),
        })
        .collect()
}

fn paths(sources: &[SourceField]) -> Vec<ir::Path> {
    sources.iter().map(|source| source.path.clone()).collect()
}

fn pieces(pieces: &[model::Piece]) -> Vec<ir::Piece> {
    pieces
        .iter()
        .map(|piece| match piece {
            model::Piece::Text(text) => ir::Piece::Text(text.clone()),
            model::Piece::Member(source) => ir::Piece::Member(source.path.clone()),
        })
        .collect()
}

fn reduce(reduce: &model::Reduce) -> ir::Reduce {
    let rank = |rank: &model::Rank| ir::Rank {
        path: rank.path.path.clone(),
        words: rank
            .words
            .iter()
            .map(|word| word.value.to_lowercase())
            .collect(),
    };
    ir::Reduce {
        by: paths(&reduce.by),
        distinct: reduce.distinct.as_ref().map(|path| path.path.clone()),
        order: reduce.order.iter().map(rank).collect(),
        folds: reduce.folds.iter().map(fold).collect(),
    }
}

fn adopt(adopt: &model::Adopt) -> ir::Adopt {
    ir::Adopt {
        from: match &adopt.from {
            model::AdoptFrom::Id(path) => ir::AdoptFrom::Id(path.path.clone()),
            model::AdoptFrom::Record(mapping, by) => {
                ir::AdoptFrom::Record(mapping.value.clone(), by.path.clone())
            }
        },
        when: conditions(&adopt.when),
        key_only: adopt.key_only,
    }
}

fn fold(fold: &model::Fold) -> ir::Fold {
    let path = fold.path.as_ref().map(|path| path.path.clone());
    let path = path.unwrap_or_default();
    ir::Fold {
        name: fold.name.value.clone(),
        how: match fold.word {
            FoldWord::First => ir::How::First(path),
            FoldWord::Last => ir::How::Last(path),
            FoldWord::Count => ir::How::Count,
            FoldWord::Sum => ir::How::Sum(path),
            FoldWord::Max => ir::How::Max(path),
            FoldWord::Min => ir::How::Min(path),
        },
        of: conditions(&fold.of),
        same: fold
            .same
            .iter()
            .map(|(name, path)| (name.value.clone(), path.path.clone()))
            .collect(),
    }
}

/// The settings that a mapping reads, as its tests have them: JSON.
pub fn settings(mapping: &model::Mapping, test: &model::Test) -> String {
    let mut all = serde_json::Map::new();
    for setting in read(mapping) {
        let written = test
            .settings
            .iter()
            .find(|(name, _)| name.value == setting.name);
        let value = match (written, setting.default) {
            (Some((_, literal)), _) => values::to_json(&literal.value),
            (None, Some(default)) => serde_json::Value::from(default),
            (None, None) => continue,
        };
        all.insert(setting.name.to_owned(), value);
    }
    serde_json::Value::Object(all).to_string()
}

fn read(mapping: &model::Mapping) -> impl Iterator<Item = &'static crate::settings::Setting> {
    let named: Vec<String> = mapping
        .members()
        .into_iter()
        .filter_map(|source| source.path.first()?.strip_prefix('$').map(str::to_owned))
        .collect();
    crate::settings::SETTINGS
        .iter()
        .filter(move |setting| named.iter().any(|name| name == setting.name))
}
