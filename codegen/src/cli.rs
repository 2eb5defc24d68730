//! The commands of `mapc`. Exit 0 is clean, 1 is mistakes in mappings, 2 is that it could not run.

mod show;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use askama::Template;
use clap::{Parser, Subcommand, ValueEnum};

use crate::diagnostic::{self, CODES};
use crate::source::{Sources, folder_and_file};
use crate::{check, editor, generate, lower, output};

const MISTAKES: u8 = 1;
const CANNOT_RUN: u8 = 2;

#[derive(Parser)]
#[command(
    name = "mapc",
    version,
    about = "The mapping compiler: checks mappings and generates Rust from them."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Shows every mistake in the mappings.
    Check {
        /// A mappings folder, or one mapping in it.
        #[arg(default_value = "mappings")]
        path: PathBuf,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Writes generated/src/mappings from the mappings.
    Generate {
        #[arg(default_value = "mappings")]
        path: PathBuf,
        /// Writes nothing; fails with the difference when the tree is not up to date.
        #[arg(long)]
        check: bool,
        /// Where the tree is.
        #[arg(long, default_value = "generated/src/mappings")]
        out: PathBuf,
    },
    /// Prints the JSON Schema of mappings, with which editors complete and check them.
    Schema {
        #[arg(default_value = "mappings")]
        path: PathBuf,
        /// Writes it to schemas/mapping.schema.json, as `generate` does, even while mappings have mistakes.
        #[arg(long)]
        write: bool,
    },
    /// Runs the mappings' tests, without a Rust build.
    Test {
        /// A mappings folder, or one mapping in it.
        #[arg(default_value = "mappings")]
        path: PathBuf,
        /// Only tests whose name, or whose mapping's name, holds this text.
        #[arg(long)]
        filter: Option<String>,
        /// One JSON object a line: each test, then a summary.
        #[arg(long)]
        json: bool,
    },
    /// Explains a code such as M0101.
    Explain { code: String },
    /// Writes a stub once, which is then yours.
    New {
        #[command(subcommand)]
        what: New,
    },
}

#[derive(Subcommand)]
enum New {
    /// A handler for a payload type, in connector/src/handlers.
    Handler {
        /// identity_changed, for example.
        payload_type: String,
        #[arg(long, default_value = "mappings")]
        mappings: PathBuf,
        #[arg(long, default_value = "connector/src/handlers")]
        out: PathBuf,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
    Github,
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Check { path, format } => run_check(&path, format),
        Command::Generate { path, check, out } => run_generate(&path, &out, check),
        Command::Schema { path, write } => run_schema(&path, write),
        Command::Test { path, filter, json } => test::run(&path, filter.as_deref(), json),
        Command::Explain { code } => explain(&code),
        Command::New {
            what:
                New::Handler {
                    payload_type,
                    mappings,
                    out,
                },
        } => new_handler(&payload_type, &mappings, &out),
    };
    match result {
        Ok(code) => code,
        // Whoever read the output has seen enough.
        Err(error) if show::is_closed_pipe(error.as_ref()) => ExitCode::from(MISTAKES),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(CANNOT_RUN)
        }
    }
}

type Outcome = Result<ExitCode, Box<dyn std::error::Error>>;

fn run_check(path: &Path, format: Format) -> Outcome {
    let sources = Sources::load(path)?;
    let checked = check(&sources);
    show::show(&checked.diagnostics, &sources, format)?;
    if matches!(format, Format::Text) || checked.left_out > 0 {
        let mappings = sources.mappings().count();
        let summary = show::summary(&checked.diagnostics, checked.left_out, mappings);
        eprintln!("{summary}");
    }
    Ok(if checked.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(MISTAKES)
    })
}

fn run_generate(path: &Path, out: &Path, check_only: bool) -> Outcome {
    let sources = Sources::load(path)?;
    let generated = generate(&sources);
    show::show(&generated.diagnostics, &sources, Format::Text)?;
    let Some(files) = generated.files else {
        let mappings = sources.mappings().count();
        let summary = show::summary(&generated.diagnostics, generated.left_out, mappings);
        eprintln!("{summary}");
        return Ok(ExitCode::from(MISTAKES));
    };
    let for_editors = (editor_path(path), editor::schema(&sources));
    if check_only {
        let diff = output::diff(out, &files)? + &output::diff_file(&for_editors.0, &for_editors.1)?;
        if diff.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        show::print(&diff)?;
        eprintln!("what is generated is behind the mappings: run cargo gen");
        return Ok(ExitCode::from(MISTAKES));
    }
    let changed = output::write(out, &files)?;
    eprintln!(
        "{} of {} changed in {}",
        changed.len(),
        show::counted(files.len(), "file"),
        out.display()
    );
    if output::write_file(&for_editors.0, &for_editors.1)? {
        eprintln!("{} changed", for_editors.0.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn editor_path(mappings: &Path) -> PathBuf {
    folder_and_file(mappings).0.join(editor::PATH)
}

fn run_schema(path: &Path, write: bool) -> Outcome {
    let schema = editor::schema(&Sources::load(path)?);
    if write {
        let path = editor_path(path);
        output::write_file(&path, &schema)?;
        eprintln!("wrote {}", path.display());
    } else {
        show::print(&schema)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn explain(code: &str) -> Outcome {
    match diagnostic::page(code) {
        Some(page) => {
            show::print(page)?;
            Ok(ExitCode::SUCCESS)
        }
        None => {
            let known: Vec<&str> = CODES.iter().map(|(code, _)| code.0).collect();
            Err(format!("there is no code {code}; known are {}", known.join(", ")).into())
        }
    }
}

#[derive(Template)]
#[template(path = "handler.rs.askama", escape = "none")]
struct HandlerStub<'a> {
    payload_type: &'a str,
    imports: Vec<String>,
    trait_name: &'a str,
    struct_name: String,
    methods: Vec<Method<'a>>,
}

struct Method<'a> {
    name: &'a str,
    payload: &'a str,
    record: &'a str,
    file: &'a str,
}

fn new_handler(payload_type: &str, mappings: &Path, out: &Path) -> Outcome {
    let sources = Sources::load(mappings)?;
    let checked = check(&sources);
    if !checked.is_clean() {
        show::show(&checked.diagnostics, &sources, Format::Text)?;
        return Ok(ExitCode::from(MISTAKES));
    }
    let program = lower::lower(&checked.model, &sources);
    let Some(handler) = program
        .handlers
        .iter()
        .find(|handler| handler.payload_type == payload_type)
    else {
        let known: Vec<&str> = program
            .handlers
            .iter()
            .map(|handler| handler.payload_type.as_str())
            .collect();
        return Err(format!(
            "no mapping is fed by {payload_type}; known payload types are {}",
            known.join(", ")
        )
        .into());
    };
    let path = out.join(format!("{}.rs", handler.module.trim_start_matches("on_")));
    if path.exists() {
        return Err(format!(
            "{} is there already, and is yours: remove it first if you want a new stub",
            path.display()
        )
        .into());
    }
    let fed: Vec<&crate::ir::Mapping> = handler
        .mappings
        .iter()
        .filter_map(|index| program.mappings.get(*index))
        .collect();
    let mut imports: Vec<String> = fed
        .iter()
        .map(|mapping| {
            let (payload, record) = (&mapping.payload_struct, &mapping.record_struct);
            format!("generated::{}::{{{payload}, {record}}}", mapping.module)
        })
        .collect();
    imports.push(format!(
        "generated::{}::{}",
        handler.module, handler.trait_name
    ));
    imports.sort();
    let stub = HandlerStub {
        payload_type,
        imports,
        trait_name: &handler.trait_name,
        struct_name: format!("{}Handler", handler.trait_name),
        methods: fed
            .into_iter()
            .map(|mapping| Method {
                name: &mapping.module,
                payload: &mapping.payload_struct,
                record: &mapping.record_struct,
                file: &mapping.file,
            })
            .collect(),
    };
    std::fs::create_dir_all(out)?;
    std::fs::write(&path, stub.render()?)?;
    eprintln!(
        "wrote {}; declare it in connector/src/handlers.rs",
        path.display()
    );
    Ok(ExitCode::SUCCESS)
}
