//! The interpreter says what the compiled mapping says: random valid mappings, compiled in bulk, asked the same.
//!
//! Records, errors, the way back, differences, merges and JSON are compared to the letter. A difference is made small
//! and kept in `differential/cases/`: the mappings and the question, which each run asks first.

mod answer;
mod compiled;
mod kept;
mod question;

use std::time::{Duration, Instant};

use codegen::source::Sources;
use serde_json::Value;

use crate::drawn::random::{self, Size};
use crate::world::root;
use compiled::{Compiled, Program};

/// How many folders are compiled into one program, how large each is, and how often each mapping is asked.
const PROGRAMS: u64 = 8;
const SIZE: Size = Size {
    mappings: 4,
    rows: 6,
};
const QUESTIONS: usize = 40;

/// A minute, or ten with USHER_LONG; from another seed with USHER_SEED.
#[test]
fn the_interpreter_says_what_the_compiled_mapping_says() {
    let long = std::env::var_os("USHER_LONG").is_some();
    let budget = Duration::from_secs(if long { 600 } else { 60 });
    let seed = std::env::var("USHER_SEED").map_or(1, |seed| seed.parse().unwrap());
    println!("USHER_SEED={seed}");
    let begun = Instant::now();
    // Another run on this machine has the same folder to build in.
    let lock = std::fs::File::create(compiled::folder().join("lock")).unwrap();
    lock.lock().unwrap();
    kept_cases_are_answered_alike();
    let mut asked = ask(vec![shipped()], seed);
    let mut rounds = 0;
    let mut longest = Duration::ZERO;
    while rounds == 0 || begun.elapsed() + longest < budget {
        let round = Instant::now();
        let first = seed + rounds * PROGRAMS;
        asked += ask((first..first + PROGRAMS).map(drawn).collect(), first);
        rounds += 1;
        longest = longest.max(round.elapsed());
    }
    println!(
        "{asked} questions to {} folders of mappings",
        1 + rounds * PROGRAMS
    );
}

/// A folder of mappings, with rows for each of them.
struct Folder {
    name: String,
    program: Program,
    rows: Vec<(String, Vec<Value>)>,
}

fn kept_cases_are_answered_alike() {
    let cases = kept::all();
    let programs: Vec<Program> = cases
        .iter()
        .map(|case| program(&case.name, case.files.clone()))
        .collect();
    let mut compiled = Compiled::start(&programs.iter().collect::<Vec<_>>());
    for (number, (case, program)) in cases.iter().zip(&programs).enumerate() {
        let question = for_program(case.question.clone(), number);
        if let Some(difference) = difference(program, &mut compiled, &question) {
            panic!("the case {} differs\n{question}\n{difference}", case.name);
        }
    }
}

/// The product's own mappings, with the rows of their tests.
fn shipped() -> Folder {
    let sources = Sources::load(&root().join("mappings")).unwrap();
    let program = program("shipped", sources.to_files());
    Folder {
        name: "shipped".to_owned(),
        rows: program.rows_of_tests(),
        program,
    }
}

fn drawn(seed: u64) -> Folder {
    let drawn = random::draw(seed, SIZE);
    let name = format!("seed-{seed}");
    let rows = drawn.mappings.into_iter();
    Folder {
        program: program(&name, drawn.files),
        rows: rows.map(|mapping| (mapping.name, mapping.rows)).collect(),
        name,
    }
}

fn program(name: &str, files: Vec<(String, String)>) -> Program {
    Program::new(files).unwrap_or_else(|found| {
        panic!("{name}: the mappings have mistakes; mend them, or remove the case\n{found}")
    })
}

/// Asks about every mapping of the folders. Gives the number of questions.
fn ask(folders: Vec<Folder>, seed: u64) -> usize {
    let mut random = fastrand::Rng::with_seed(seed);
    let rows: Vec<_> = folders
        .iter()
        .map(|folder| (&folder.name, &folder.rows))
        .collect();
    let programs: Vec<&Program> = folders.iter().map(|folder| &folder.program).collect();
    let mut compiled = Compiled::start(&programs);
    let mut asked = 0;
    for (number, ((name, rows), program)) in rows.into_iter().zip(programs).enumerate() {
        for question in questions(&mut random, rows, program) {
            let question = for_program(question, number);
            asked += 1;
            if difference(program, &mut compiled, &question).is_some() {
                keep(name, program, &mut compiled, &question);
            }
        }
    }
    asked
}

/// Makes the question small, writes the case down, and fails.
fn keep(name: &str, program: &Program, compiled: &mut Compiled, question: &Value) -> ! {
    let differs = |question: &Value| difference(program, compiled, question).is_some();
    let question = kept::smaller(question, differs);
    let difference = difference(program, compiled, &question).unwrap_or_default();
    let folder = kept::keep(name, &program.files, &question);
    panic!(
        "the interpreter and the compiled mapping differ; kept as {folder}\n{question}\n{difference}"
    );
}

fn questions<'a>(
    random: &'a mut fastrand::Rng,
    rows: &'a [(String, Vec<Value>)],
    program: &'a Program,
) -> impl Iterator<Item = Value> + 'a {
    let each = rows
        .iter()
        .flat_map(|mapping| std::iter::repeat_n(mapping, QUESTIONS));
    each.enumerate().map(move |(number, (name, rows))| {
        let mut question = question::draw(random, program.descriptor(name), rows);
        question["tables"] = (number % QUESTIONS == 0).into();
        question
    })
}

/// The question, put to the program of this number.
fn for_program(mut question: Value, number: usize) -> Value {
    question["program"] = number.into();
    question
}

/// The parts of the two answers that are not the same.
fn difference(program: &Program, compiled: &mut Compiled, question: &Value) -> Option<String> {
    let (interpreted, compiled) = (program.answer(question), compiled.answer(question));
    if interpreted == compiled {
        return None;
    }
    let (Some(here), Some(there)) = (interpreted.as_object(), compiled.as_object()) else {
        return Some(format!("interpreted: {interpreted}\ncompiled: {compiled}"));
    };
    let names: std::collections::BTreeSet<&String> = here.keys().chain(there.keys()).collect();
    let differing = names
        .into_iter()
        .filter(|name| here.get(*name) != there.get(*name));
    let shown = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
    let lines: Vec<String> = differing
        .map(|name| {
            let (here, there) = (shown(here.get(name)), shown(there.get(name)));
            format!("{name}:\n  interpreted {here}\n  compiled    {there}")
        })
        .collect();
    Some(lines.join("\n"))
}
