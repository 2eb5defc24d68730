//! Random valid mappings over random schemas, with rows that they take: the same for the same seed.
//!
//! An entity's properties are drawn first, then for each mapping the destination fields that its properties fit into,
//! so that all is valid by construction; around them stand properties and fields of every type that nobody maps.

mod entity;
mod made;
mod mapping;
mod object;
mod rows;
mod text;

pub use entity::Entity;

use serde_json::Value;

/// A folder of mappings.
#[derive(Debug)]
pub struct Drawn {
    /// Names below `mappings/` and texts, as `Sources::from_files` takes them.
    pub files: Vec<(String, String)>,
    pub mappings: Vec<DrawnMapping>,
}

/// One of the mappings.
#[derive(Debug)]
pub struct DrawnMapping {
    /// As `mapping:` says it.
    pub name: String,
    pub entity: String,
    /// As `on:` says it.
    pub payload_type: String,
    /// Rows that the mapping takes and whose every value fits.
    pub rows: Vec<Value>,
}

/// How many mappings, and how many rows for each.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub mappings: usize,
    pub rows: usize,
}

/// Draws a folder.
pub fn draw(seed: u64, size: Size) -> Drawn {
    let mut random = fastrand::Rng::with_seed(seed);
    let entities: Vec<Entity> = (0..1 + size.mappings / 4)
        .map(|index| entity::draw(&mut random, index))
        .collect();
    let mut world = mapping::World::new(&entities);
    for index in 0..size.mappings {
        world.add(&mut random, index);
    }
    let mut files = world.files(&mut random);
    files.extend(entities.iter().flat_map(entity::files));
    let mappings: Vec<DrawnMapping> = world
        .mappings
        .iter()
        .map(|drawn| DrawnMapping {
            name: drawn.name.clone(),
            entity: drawn.entity.name.clone(),
            payload_type: drawn.entity.payload_type(),
            rows: (0..size.rows)
                .map(|number| rows::draw(&mut random, drawn.entity, &drawn.when, number))
                .collect(),
        })
        .collect();
    for mapping in &mappings {
        let file = format!("{}.yaml", mapping.name);
        let text = files.iter_mut().find(|(name, _)| *name == file);
        if let (Some((_, text)), Some(row)) = (text, mapping.rows.first())
            // What a tree makes of one row alone is not known here.
            && !text.contains("part_of:")
            && chance(&mut random, 40)
        {
            let id = &row["id"];
            *text += &format!(
                "tests:\n  - name: a row of its own\n    given: {row}\n    expect_some: {{ {}: {id} }}\n",
                mapping::KEY
            );
        }
    }
    Drawn { files, mappings }
}

/// Happens in so many of a hundred cases.
fn chance(random: &mut fastrand::Rng, percent: u32) -> bool {
    random.u32(0..100) < percent
}

fn one_of<'a, T>(random: &mut fastrand::Rng, choices: &'a [T]) -> &'a T {
    &choices[random.usize(0..choices.len())]
}

#[cfg(test)]
mod tests {
    use super::{Size, draw};

    /// No false alarm: whatever is drawn, nothing is wrong with it.
    #[test]
    fn valid_mappings_check_clean() {
        let long = std::env::var_os("USHER_LONG").is_some();
        for seed in 0..if long { 4000 } else { 150 } {
            let drawn = draw(
                seed,
                Size {
                    mappings: 1 + seed as usize % 9,
                    rows: 1,
                },
            );
            let sources = codegen::source::Sources::from_files(drawn.files.clone());
            let checked = codegen::check(&sources);
            let texts: Vec<String> = checked
                .diagnostics
                .iter()
                .map(|found| codegen::diagnostic::text(found, &sources, false))
                .collect();
            assert!(texts.is_empty(), "seed {seed}:\n{}", texts.join("\n"));
            let known: Vec<[&str; 3]> = checked
                .model
                .mappings
                .iter()
                .map(|known| [&known.name, &known.source, &known.payload.payload_type])
                .map(|words| words.map(|word| word.value.as_str()))
                .collect();
            for mapping in &drawn.mappings {
                let words = [&mapping.name, &mapping.entity, &mapping.payload_type];
                let words = words.map(String::as_str);
                assert!(known.contains(&words), "seed {seed}: {words:?}");
            }
        }
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let size = Size {
            mappings: 6,
            rows: 3,
        };
        let [one, other] = [draw(7, size), draw(7, size)];
        assert_eq!(one.files, other.files);
        assert_eq!(one.mappings[5].rows, other.mappings[5].rows);
        assert_ne!(one.files, draw(8, size).files);
    }

    /// What the mappings are made of does occur, in a few draws already.
    #[test]
    fn everything_occurs() {
        let texts: String = (0..20)
            .flat_map(|seed| {
                draw(
                    seed,
                    Size {
                        mappings: 8,
                        rows: 0,
                    },
                )
                .files
            })
            .map(|(_, text)| text)
            .collect();
        for part in [
            "direction: both",
            "direction: forward",
            "reference: ",
            "needs: npsp",
            "when_creating: true",
            "convert: email",
            "convert: phone",
            "convert: date",
            "convert: not",
            "monitored: true",
            "required: true",
            "value: ",
            "match:",
            "lock: ",
            "not: ",
            "conflict: restrictive",
            "\"anyType\"",
            "\"recordTypeInfos\"",
            "\"compoundFieldName\"",
            "\"array\"",
            "on_conflict",
            "restrictedPicklist",
            "ignore: ",
            "nothing: ",
            "part_of: ",
            "for_each: ",
            "fold:",
            ", same: folded",
            ", same: [folded",
            "exists_when: ",
            "unless:",
            "gone: ",
            "written_last: ",
            "template: ",
            "choose: ",
            "values: ",
            "otherwise: same",
            "date_in: ",
            "convert: negative",
            "lookup: ",
            "use: ",
            "above: ",
            "given: false",
            "$stage_won",
            "\"currency\"",
        ] {
            assert!(texts.contains(part), "{part} never occurs");
        }
    }
}
