//! Generates the code for `proto/` without a system protoc.

use std::{env, error::Error, fs, path::PathBuf};

const FILES: [&str; 3] = [
    "agent/v1/agent.proto",
    "developer/v1/developer.proto",
    "admin/v1/admin.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(FILES, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(
        out.join("descriptors.bin"),
        prost::Message::encode_to_vec(&descriptors),
    )?;
    tonic_prost_build::configure()
        // What carries a secret has no Debug, so that nobody logs it.
        .skip_debug([
            "valetkey.agent.v1.GetTokenResponse",
            "valetkey.developer.v1.PutSecretRequest",
        ])
        .compile_fds(descriptors)?;
    Ok(())
}
