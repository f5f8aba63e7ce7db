//! One request at an agent's door finds its service.

use http::{Request, Response, Version};
use hyper::body::Incoming;
use tonic::{body::Body, codegen::Service as _, service::Routes};
use valetkey_wire::agent::agent_server::AgentServer;

use super::{desk::Desk, grpc::AgentService, http as http_door};
use crate::{
    serve::Answers,
    status::{self, Form, Reference},
};

/// Paths of the agents' own gRPC service.
const SERVICE: &str = "/valetkey.agent.v1.Agent/";

/// The services of one connection. They share what is the session's, so making one is cheap.
#[derive(Clone)]
pub(super) struct AgentCalls {
    desk: Desk,
    agent: AgentServer<AgentService>,
    side: Routes,
}

impl AgentCalls {
    pub(super) fn new(desk: Desk) -> Self {
        let house = &desk.door.house;
        let agent = AgentServer::new(AgentService::new(desk.clone()))
            .max_decoding_message_size(house.limits.body);
        let side = house.side.clone();
        Self { desk, agent, side }
    }
}

impl Answers for AgentCalls {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let form = Form::of(&request);
        if let Err((refusal, reference)) = self.desk.in_time().await {
            return form.refuse(&refusal, reference);
        }
        // Without the trailers of HTTP/2 a gRPC status has no place to stand.
        if form != Form::Grpc || request.version() != Version::HTTP_2 {
            return http_door::answer(&self.desk, request).await;
        }
        let answered = if request.uri().path().starts_with(SERVICE) {
            self.agent.clone().call(request).await
        } else {
            self.side.clone().call(request).await
        };
        match answered {
            Ok(response) => status::dress(response, || self.reference()),
            Err(never) => match never {},
        }
    }

    fn reference(&self) -> Reference {
        self.desk.reference()
    }
}
