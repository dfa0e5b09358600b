//! Judgements without a handshake.

use std::time::Duration;

use rustls::pki_types::UnixTime;
use serde_json::{Value, json};
use spiffe::X509Svid;
use webpki::KeyUsage;

use crate::verifier::verify_path;
use crate::{Fallible, files, outcome, text};

/// Asks both; the keys of the answer are the names of the judges.
pub fn verify(request: &Value) -> Value {
    json!({ "rustls (webpki)": outcome(with_webpki(request)), "Rust spiffe": outcome(with_spiffe(request)) })
}

fn with_webpki(request: &Value) -> Fallible<Value> {
    let chain = files::certificates(text(request, "chain")?)?;
    let roots = files::certificates(text(request, "roots")?)?;
    let time = match request["at"].as_u64() {
        None | Some(0) => UnixTime::now(),
        Some(seconds) => UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
    };
    let (leaf, intermediates) = chain.split_first().ok_or("the chain is empty")?;
    for usage in [KeyUsage::server_auth(), KeyUsage::client_auth()] {
        verify_path(leaf, intermediates, &roots, time, usage)?;
    }
    Ok(json!({}))
}

/// The crate parses and checks what the Workload API hands over; it has no validation against a bundle.
fn with_spiffe(request: &Value) -> Fallible<Value> {
    let chain: Vec<u8> = files::certificates(text(request, "chain")?)?.iter().flat_map(|der| der.to_vec()).collect();
    let key = files::private_key(text(request, "key")?)?;
    let svid = X509Svid::parse_from_der(&chain, key.secret_der())?;
    Ok(json!({ "spiffeId": svid.spiffe_id().to_string() }))
}
