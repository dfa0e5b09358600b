//! Both ends of a mutual TLS connection. The client sends a line, the server sends it back reversed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, CommonState, ProtocolVersion, ServerConfig, ServerConnection, Stream};
use serde_json::{Value, json};
use spiffe::cert::spiffe_id_from_der;
use webpki::EndEntityCert;

use crate::verifier::SpiffeVerifier;
use crate::{Fallible, files, outcome, say, text};

const TIMEOUT: Duration = Duration::from_secs(10);

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

pub fn serve(folder: &str, peer: &str) -> Fallible<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    say(&json!({ "port": listener.local_addr()?.port() }))?;
    // The test ends this process by closing its stdin.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    for connection in listener.incoming() {
        say(&outcome(answer_one(connection?, folder, peer)))?;
    }
    Ok(())
}

fn answer_one(mut tcp: TcpStream, folder: &str, peer: &str) -> Fallible<Value> {
    set_timeouts(&tcp)?;
    let own = files::identity(folder)?;
    let provider = provider();
    let config = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_client_cert_verifier(SpiffeVerifier::new(own.roots, peer, provider)?)
        .with_single_cert(own.chain, own.key)?;
    let mut tls = ServerConnection::new(Arc::new(config))?;
    let line = read_line(&mut Stream::new(&mut tls, &mut tcp))?;
    let reversed: String = line.trim_end_matches('\n').chars().rev().collect();
    Stream::new(&mut tls, &mut tcp).write_all(format!("{reversed}\n").as_bytes())?;
    tls.send_close_notify();
    tls.complete_io(&mut tcp)?;
    seen(&tls)
}

pub fn dial(folder: &str, request: &Value) -> Fallible<Value> {
    let own = files::identity(folder)?;
    let provider = provider();
    let version = if text(request, "tls")? == "1.2" { &TLS12 } else { &TLS13 };
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[version])?
        .dangerous() // It asks for more than the default verifier does, not for less: a SPIFFE ID in place of a host name.
        .with_custom_certificate_verifier(SpiffeVerifier::new(own.roots, text(request, "peer")?, provider)?)
        .with_client_auth_cert(own.chain, own.key)?;
    let port = request["port"].as_u64().ok_or("the request has no port")?;
    let mut tcp = TcpStream::connect(("127.0.0.1", u16::try_from(port)?))?;
    set_timeouts(&tcp)?;
    let mut tls = ClientConnection::new(Arc::new(config), ServerName::try_from("server.invalid")?)?;
    let mut stream = Stream::new(&mut tls, &mut tcp);
    stream.write_all(b"ping\n")?;
    let line = read_line(&mut stream)?;
    if line != "gnip\n" {
        return Err(format!("the server answered {line:?}").into());
    }
    tls.send_close_notify();
    // A server that has said all may be gone already.
    let _ = tls.write_tls(&mut tcp);
    seen(&tls)
}

fn set_timeouts(tcp: &TcpStream) -> Fallible<()> {
    tcp.set_read_timeout(Some(TIMEOUT))?;
    Ok(tcp.set_write_timeout(Some(TIMEOUT))?)
}

fn read_line(stream: &mut impl Read) -> Fallible<String> {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line)
}

fn seen(tls: &CommonState) -> Fallible<Value> {
    let leaf = tls.peer_certificates().and_then(|chain| chain.first()).ok_or("the peer showed no certificate")?;
    let serial = EndEntityCert::try_from(leaf)?.serial().iter().map(|octet| format!("{octet:02x}")).collect::<String>();
    let protocol = if tls.protocol_version() == Some(ProtocolVersion::TLSv1_3) { "TLSv1.3" } else { "TLSv1.2" };
    Ok(json!({ "spiffeId": spiffe_id_from_der(leaf)?.to_string(), "serial": serial.trim_start_matches('0'), "protocol": protocol }))
}
