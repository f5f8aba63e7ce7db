//! The door of an admin.

use tonic::{Request, Response, Status};
use valetkey_sdk::wire::{
    admin::{self, admin_server::Admin},
    metadata,
};

use super::{Doors, FAR, reply};

/// The account that an admin call names.
fn account<T>(request: &Request<T>) -> String {
    let account = request.metadata().get(metadata::ACCOUNT);
    let account = account.expect("an admin call names its account");
    account.to_str().unwrap().to_owned()
}

#[tonic::async_trait]
impl Admin for Doors {
    async fn list_sessions(
        &self,
        request: Request<admin::ListSessionsRequest>,
    ) -> Result<Response<admin::ListSessionsResponse>, Status> {
        self.0.hear(format!("sessions as {}", account(&request)))?;
        let sessions = vec![self.admin_session()];
        reply(admin::ListSessionsResponse { sessions })
    }

    async fn revoke(
        &self,
        request: Request<admin::RevokeRequest>,
    ) -> Result<Response<admin::RevokeResponse>, Status> {
        let account = account(&request);
        self.0
            .hear(format!("{:?} as {account}", request.into_inner()))?;
        reply(admin::RevokeResponse {
            sessions: vec![admin::Revoked {
                session: Some(self.admin_session()),
                connections_cut: 3,
                tokens_outstanding: 2,
                outstanding_until: Some(FAR),
                not_durable: Some(self.word()),
            }],
            elapsed_microseconds: 1_234,
        })
    }

    async fn lock(
        &self,
        request: Request<admin::LockRequest>,
    ) -> Result<Response<admin::LockResponse>, Status> {
        let account = account(&request);
        self.0
            .hear(format!("{:?} as {account}", request.into_inner()))?;
        reply(admin::LockResponse {})
    }

    async fn unlock(
        &self,
        request: Request<admin::UnlockRequest>,
    ) -> Result<Response<admin::UnlockResponse>, Status> {
        self.0.hear(format!("unlock as {}", account(&request)))?;
        reply(admin::UnlockResponse {})
    }
}
