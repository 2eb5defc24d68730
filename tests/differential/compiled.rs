//! Many mappings, generated and compiled into one program that answers questions, a line each.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use codegen::interpret::{self, Interpreter};
use codegen::ir::{self, Subject};
use codegen::lower;
use codegen::source::Sources;
use runtime::entity::Entity;
use runtime::handler::Handler;
use runtime::mapping::{Direction, MappingDescriptor};
use runtime::merge;
use serde_json::Value;

use super::answer::{self, Merged};
use crate::world::root;

/// A folder of mappings, as both sides have it.
pub struct Program {
    pub files: Vec<(String, String)>,
    ir: ir::Program,
    generated: codegen::output::Files,
    handlers: Vec<Interpreter>,
}

impl Program {
    /// # Errors
    /// The diagnostics, where something is wrong with the mappings.
    pub fn new(files: Vec<(String, String)>) -> Result<Program, String> {
        let sources = Sources::from_files(files.clone());
        let checked = codegen::check(&sources);
        let shown: Vec<String> = checked
            .diagnostics
            .iter()
            .map(|found| codegen::diagnostic::text(found, &sources, false))
            .collect();
        let generated = codegen::generate(&sources).files;
        let generated = generated.ok_or_else(|| shown.join("\n"))?;
        let ir = lower::lower(&checked.model, &sources);
        Ok(Program {
            files,
            generated,
            handlers: interpret::handlers(&ir),
            ir,
        })
    }

    /// The interpreter that knows the mapping.
    fn handler(&self, mapping: &str) -> &Interpreter {
        let knows = |handler: &&Interpreter| {
            let mut known = handler.mappings().iter();
            known.any(|known| known.name == mapping)
        };
        self.handlers.iter().find(knows).unwrap()
    }

    /// The tables of the mapping.
    pub fn descriptor(&self, mapping: &str) -> &'static MappingDescriptor {
        let mut known = self.handler(mapping).mappings().iter();
        known.find(|known| known.name == mapping).unwrap()
    }

    /// The rows that each mapping's tests give.
    pub fn rows_of_tests(&self) -> Vec<(String, Vec<Value>)> {
        let given = |test: &ir::Test| match &test.subject {
            Subject::Record { given, .. } => serde_json::from_str(given).ok(),
            Subject::Pair(pair) => serde_json::from_str(pair.given.as_deref()?).ok(),
            Subject::Rows { given, .. } => serde_json::from_str(given).ok(),
            Subject::Pushed { .. } => None,
        };
        let of = |mapping: &ir::Mapping| {
            let given = mapping.tests.iter().filter_map(given);
            let rows = given.flat_map(|given: Value| match given {
                Value::Array(rows) => rows,
                row => vec![row],
            });
            let rows = rows.collect();
            (mapping.name.clone(), rows)
        };
        self.ir.mappings.iter().map(of).collect()
    }

    /// What the interpreter says.
    pub fn answer(&self, question: &Value) -> Value {
        let handler = self.handler(question["mapping"].as_str().unwrap());
        let typed = |name: &str, [base, source, destination]: [&dyn Entity; 3]| {
            let mapping = self.descriptor(name);
            let two_way = mapping.direction == Direction::Both;
            two_way.then(|| Merged {
                plan: merge::merge(
                    mapping,
                    base,
                    source,
                    destination,
                    &merge::Clocks::default(),
                ),
                monitored: merge::monitored_changed(mapping, destination, base),
                missing: merge::missing_required(mapping, destination),
            })
        };
        answer::answer(handler, &typed, question)
    }
}

/// The program, running.
pub struct Compiled {
    child: Child,
    asked: ChildStdin,
    answered: BufReader<ChildStdout>,
}

impl Compiled {
    /// Compiles the generated code of all programs, warnings being errors, and starts it.
    pub fn start(programs: &[&Program]) -> Compiled {
        let folder = folder().join("crate");
        write(&folder, programs);
        let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(&folder)
            .args(["build", "--quiet", "--offline"])
            .env("CARGO_TARGET_DIR", folder.join("../target"))
            .output()
            .unwrap();
        assert!(
            built.status.success(),
            "generated code does not compile; it is in {}\n{}",
            folder.display(),
            String::from_utf8_lossy(&built.stderr)
        );
        let mut child = Command::new(folder.join("../target/debug/compiled"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Compiled {
            asked: child.stdin.take().unwrap(),
            answered: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// What the compiled mapping says.
    pub fn answer(&mut self, question: &Value) -> Value {
        writeln!(self.asked, "{question}").unwrap();
        let mut line = String::new();
        self.answered.read_line(&mut line).unwrap();
        match serde_json::from_str(&line) {
            Ok(answer) => answer,
            Err(_) => panic!("the compiled program ended over {question}"),
        }
    }
}

impl Drop for Compiled {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is built stays from run to run, apart from the workspace's own target folder, whose lock the tests hold.
pub fn folder() -> PathBuf {
    let folder = root().join("target/differential");
    fs::create_dir_all(&folder).unwrap();
    folder.canonicalize().unwrap()
}

fn write(folder: &Path, programs: &[&Program]) {
    let source = folder.join("src");
    let _ = fs::remove_dir_all(&source);
    fs::create_dir_all(&source).unwrap();
    let runtime = root().join("runtime").canonicalize().unwrap();
    let manifest = format!(
        "[workspace]\n\n[package]\nname = \"compiled\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\njiff = \"1\"\nruntime = {{ path = {runtime:?}, default-features = false }}\n\
         serde_json = \"1\"\n\n[profile.dev]\ndebug = false\n\n\
         [profile.dev.package.runtime]\nopt-level = 2\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    // The versions that the workspace has, so that nothing is asked of a registry.
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    fs::write(source.join("answer.rs"), include_str!("answer.rs")).unwrap();
    let mut library = String::from("#![deny(warnings)]\n");
    for (number, program) in programs.iter().enumerate() {
        writeln!(library, "pub mod p{number};").unwrap();
        let module = source.join(format!("p{number}"));
        fs::create_dir_all(&module).unwrap();
        for (name, text) in &program.generated {
            let name = if name == "root.rs" { "mod.rs" } else { name };
            fs::write(module.join(name), text).unwrap();
        }
    }
    fs::write(source.join("lib.rs"), library).unwrap();
    fs::write(source.join("main.rs"), main(programs)).unwrap();
}

/// Hands each question to the handler that it is for.
fn main(programs: &[&Program]) -> String {
    let mut text = String::from(MAIN);
    let mut arms = String::new();
    for (number, program) in programs.iter().enumerate() {
        writeln!(text, "struct H{number};").unwrap();
        let mut typed = String::new();
        for mapping in program.ir.mappings.iter().filter(|mapping| mapping.both) {
            let (name, module, record) = (&mapping.name, &mapping.module, &mapping.record_struct);
            writeln!(
                typed,
                "        {name:?} => typed!(compiled::p{number}::{module}::{record}, entities),"
            )
            .unwrap();
        }
        writeln!(
            text,
            "fn typed{number}(mapping: &str, entities: [&dyn Entity; 3]) -> Option<Merged> {{\n    \
             match mapping {{\n{typed}        _ => {{ let _ = entities; None }}\n    }}\n}}"
        )
        .unwrap();
        for handler in &program.ir.handlers {
            let (module, adapter) = (&handler.module, &handler.adapter_name);
            let path = format!("compiled::p{number}::{module}");
            writeln!(
                text,
                "impl {path}::{} for H{number} {{}}",
                handler.trait_name
            )
            .unwrap();
            for index in &handler.mappings {
                let name = &program.ir.mappings[*index].name;
                writeln!(
                    arms,
                    "        ({number}, {name:?}) => answer::answer(&{path}::{adapter}(H{number}), &typed{number}, question),"
                )
                .unwrap();
            }
        }
    }
    writeln!(
        text,
        "fn ask(question: &Value) -> Value {{\n    \
         match (question[\"program\"].as_u64().unwrap(), question[\"mapping\"].as_str().unwrap()) {{\n\
         {arms}        _ => panic!(\"no such mapping: {{question}}\"),\n    }}\n}}"
    )
    .unwrap();
    text
}

const MAIN: &str = r#"mod answer;

use std::any::Any;
use std::io::BufRead;

use answer::Merged;
use runtime::entity::Entity;
use serde_json::Value;

fn main() {
    for line in std::io::stdin().lock().lines() {
        println!("{}", ask(&serde_json::from_str(&line.unwrap()).unwrap()));
    }
}

macro_rules! typed {
    ($record:ty, $entities:expr) => {{
        let [base, source, destination] =
            $entities.map(|entity| (entity as &dyn Any).downcast_ref::<$record>().unwrap());
        Some(Merged {
            plan: <$record>::merge(base, source, destination),
            monitored: destination.monitored_changed(base),
            missing: destination.missing_required(),
        })
    }};
}

"#;
