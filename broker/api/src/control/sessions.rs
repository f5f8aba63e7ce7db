//! Sessions, as their developer begins, sees, wakes and ends them.

use std::sync::Arc;

use valetkey_codes::Code;
use valetkey_core::{Pins, Refusal, flow::ledger_refusal, lifecycle};
use valetkey_wire::developer::{
    EndSessionRequest, EndSessionResponse, GetSessionRequest, GetSessionResponse,
    ListSessionsRequest, ListSessionsResponse, ResumeSessionRequest, ResumeSessionResponse,
    StartSessionRequest, StartSessionResponse,
};

use super::{Office, room, view};

impl Office {
    pub(super) async fn start_session(
        &self,
        request: StartSessionRequest,
    ) -> Result<StartSessionResponse, Refusal> {
        let profile = room::profile(&self.broker, request.sandbox)?;
        let ask = lifecycle::StartSession {
            account: view::account(&request.account)?,
            agent: view::agent(&request.agent)?,
            workspace: request.workspace,
            lifetime: request.lifetime_seconds,
            pins: pins(request.pin_executable_sha256, request.pin_cgroup)?,
            sandbox: profile.as_ref().map(|profile| profile.name.clone()),
        };
        let (session, _) = lifecycle::start(&self.broker, ask).await?;
        let room = match profile {
            Some(profile) => Some(room::describe(&self.broker, &session, &profile).await?),
            None => None,
        };
        Ok(StartSessionResponse {
            session: Some(view::session(&session, &self.about.runtime)),
            room,
        })
    }

    pub(super) async fn list_sessions(
        &self,
        request: &ListSessionsRequest,
    ) -> Result<ListSessionsResponse, Refusal> {
        let filter = view::filter(request.recent);
        let listed = self.broker.ports.sessions.list(filter).await;
        let sessions = listed.map_err(|error| ledger_refusal(&error))?;
        let view = |session: &Arc<_>| view::session(session, &self.about.runtime);
        Ok(ListSessionsResponse {
            sessions: sessions.iter().map(view).collect(),
        })
    }

    pub(super) async fn get_session(
        &self,
        request: &GetSessionRequest,
    ) -> Result<GetSessionResponse, Refusal> {
        let id = view::session_id(&request.id)?;
        let ports = &self.broker.ports;
        let session = ports.sessions.load(id).ok_or(Code::UnknownSession)?;
        let now = ports.clock.now().unix_seconds();
        let leases = ports.sessions.leases(id, now).await;
        let leases = leases.map_err(|error| ledger_refusal(&error))?;
        Ok(GetSessionResponse {
            session: Some(view::session(&session, &self.about.runtime)),
            leases: leases.into_iter().map(view::lease).collect(),
        })
    }

    pub(super) async fn end_session(
        &self,
        request: &EndSessionRequest,
    ) -> Result<EndSessionResponse, Refusal> {
        let id = view::session_id(&request.id)?;
        let ended = lifecycle::end(&self.broker, id).await?;
        let session = Some(view::session(&ended, &self.about.runtime));
        Ok(EndSessionResponse { session })
    }

    pub(super) async fn resume_session(
        &self,
        request: &ResumeSessionRequest,
    ) -> Result<ResumeSessionResponse, Refusal> {
        let id = view::session_id(&request.id)?;
        let awake = lifecycle::resume(&self.broker, id).await?;
        let session = Some(view::session(&awake, &self.about.runtime));
        Ok(ResumeSessionResponse { session })
    }
}

/// A digest of 64 hexadecimal digits, in lower case as the kernel's facts are compared with it.
fn pins(executable: Option<String>, cgroup: Option<String>) -> Result<Pins, Refusal> {
    let executable_sha256 = executable
        .map(|digest| {
            let fine = digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit());
            fine.then(|| digest.to_ascii_lowercase())
                .ok_or_else(|| view::invalid("a SHA-256 has 64 hexadecimal digits"))
        })
        .transpose()?;
    if cgroup.as_ref().is_some_and(|path| !path.starts_with('/')) {
        return Err(view::invalid(
            "a cgroup is a path as in `/proc/PID/cgroup`: it begins with `/`",
        ));
    }
    Ok(Pins {
        executable_sha256,
        cgroup,
        pid_namespace: None,
    })
}
