//! What every gRPC door offers beside its own services: health and reflection.

use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::service::Routes;
use tonic_health::{
    ServingStatus,
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};

/// Largest message to health or reflection, in bytes: the name of a service or of a file. What is not
/// yet whole is held in memory, for as long as its stream lasts.
const MESSAGE: usize = 1024;

/// Health (`grpc.health.v1`) and reflection (`grpc.reflection.v1`) of a door that offers the services
/// of `packages` and no other: a door does not tell what other doors there are.
pub(crate) async fn services(packages: &[&str]) -> std::io::Result<Routes> {
    let mut own = FileDescriptorSet::decode(valetkey_wire::DESCRIPTORS)?;
    own.file.retain(|file| packages.contains(&file.package()));
    let reporter = HealthReporter::new();
    for file in &own.file {
        for service in &file.service {
            let name = format!("{}.{}", file.package(), service.name());
            reporter
                .set_service_status(name, ServingStatus::Serving)
                .await;
        }
    }
    let health = HealthService::from_health_reporter(reporter);
    let reflection = tonic_reflection::server::Builder::configure()
        .register_file_descriptor_set(own)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(std::io::Error::other)?
        .max_decoding_message_size(MESSAGE);
    let health = HealthServer::new(health).max_decoding_message_size(MESSAGE);
    Ok(Routes::new(health).add_service(reflection).prepare())
}
