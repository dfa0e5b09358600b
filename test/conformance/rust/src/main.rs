//! Lets Rust's stacks speak about what mtlsd issues: webpki (the validator of rustls), rustls and `spiffe`.
//!
//!     judge verify              requests on stdin, one JSON object a line; one answer a line
//!     judge serve FOLDER PEER   a mutual TLS server that admits the SPIFFE ID PEER alone
//!     judge dial FOLDER         a mutual TLS client: one handshake for each line on stdin
//!
//! FOLDER is what mtlsd writes for one identity. It is read again for every handshake.

mod files;
mod peer;
mod verifier;
mod verify;

use std::error::Error;
use std::io::{BufRead, Write};

use serde_json::{Value, json};

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Fallible<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["verify"] => each_line(verify::verify),
        ["serve", folder, peer] => peer::serve(folder, peer),
        ["dial", folder] => each_line(|request| outcome(peer::dial(folder, request))),
        _ => Err("usage: judge verify | serve FOLDER PEER | dial FOLDER".into()),
    }
}

fn each_line(answer: impl Fn(&Value) -> Value) -> Fallible<()> {
    for line in std::io::stdin().lock().lines() {
        say(&answer(&serde_json::from_str(&line?)?))?;
    }
    Ok(())
}

fn say(value: &Value) -> Fallible<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}")?;
    Ok(out.flush()?)
}

/// What a judge or an end of a handshake answers; `fields` is an object.
fn outcome(result: Fallible<Value>) -> Value {
    match result {
        Ok(mut fields) => {
            fields["ok"] = json!(true);
            fields
        }
        Err(error) => json!({ "ok": false, "reason": error.to_string() }),
    }
}

/// A field of a request that is a string.
fn text<'r>(request: &'r Value, field: &str) -> Fallible<&'r str> {
    Ok(request[field].as_str().ok_or_else(|| format!("the request has no {field}"))?)
}
