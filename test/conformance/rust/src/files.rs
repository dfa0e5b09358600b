//! What mtlsd writes, as DER.

use std::fs;
use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::Fallible;

pub type Chain = Vec<CertificateDer<'static>>;

pub fn certificates(file: impl AsRef<Path>) -> Fallible<Chain> {
    Ok(CertificateDer::pem_file_iter(file)?.collect::<Result<_, _>>()?)
}

pub fn private_key(file: impl AsRef<Path>) -> Fallible<PrivateKeyDer<'static>> {
    Ok(PrivateKeyDer::from_pem_file(file)?)
}

/// One generation of an identity's folder.
pub struct Identity {
    pub chain: Chain,
    pub key: PrivateKeyDer<'static>,
    pub roots: Chain,
}

/// Resolves `..data` once, so that key, certificate and roots are of one generation. A generation that is replaced while
/// it is read is gone at once: then the next one is there.
pub fn identity(folder: &str) -> Fallible<Identity> {
    let mut result = generation(folder);
    for _ in 0..4 {
        if result.is_ok() {
            break;
        }
        result = generation(folder);
    }
    result
}

fn generation(folder: &str) -> Fallible<Identity> {
    let data = fs::canonicalize(Path::new(folder).join("..data"))?;
    let credentials = data.join("credential-bundle.pem");
    Ok(Identity { chain: certificates(&credentials)?, key: private_key(&credentials)?, roots: certificates(data.join("ca.crt"))? })
}
