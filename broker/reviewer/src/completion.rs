//! OpenAI's chat completions, as far as they are used.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use valetkey_core::ports::ReviewError;

use crate::{
    prompt::SYSTEM,
    verdict::{Object, nonsense},
};

/// What is asked.
#[derive(Serialize)]
pub(crate) struct Asking<'a> {
    model: &'a str,
    temperature: u8,
    stream: bool,
    response_format: Value,
    messages: [Turn<'a>; 2],
}

#[derive(Serialize)]
struct Turn<'a> {
    role: &'static str,
    content: &'a str,
}

impl<'a> Asking<'a> {
    /// `case` is the whole turn of the user.
    pub(crate) fn new(model: &'a str, case: &'a str) -> Self {
        Self {
            model,
            temperature: 0,
            stream: false,
            response_format: json!({
                "type": "json_schema",
                "json_schema": {
                    "name": "opinion",
                    "strict": true,
                    "schema": {
                        "type": "object",
                        "additionalProperties": false,
                        "required": ["verdict", "risk", "rationale"],
                        "properties": {
                            "verdict": { "type": "string", "enum": ["approve", "deny", "escalate"] },
                            "risk": { "type": "string", "enum": ["low", "medium", "high", "critical"] },
                            "rationale": { "type": "string" },
                        },
                    },
                },
            }),
            messages: [
                Turn {
                    role: "system",
                    content: SYSTEM,
                },
                Turn {
                    role: "user",
                    content: case,
                },
            ],
        }
    }
}

/// What came back. Servers add fields of their own, and those are not looked at.
#[derive(Deserialize)]
pub(crate) struct Completion {
    model: Option<String>,
    choices: Vec<Object<Choice>>,
}

#[derive(Deserialize)]
struct Choice {
    message: Object<Message>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
    refusal: Option<String>,
    tool_calls: Option<Vec<Value>>,
}

/// The one thing that a model said.
pub(crate) struct Words {
    /// Its text.
    pub(crate) content: String,
    /// Which model it was, as the server says.
    pub(crate) model: Option<String>,
}

impl Completion {
    /// # Errors
    /// [`ReviewError::Nonsense`] where it said more than one thing, or did not come to an end.
    pub(crate) fn words(self) -> Result<Words, ReviewError> {
        let [Object(choice)] = <[_; 1]>::try_from(self.choices)
            .map_err(|choices| nonsense(format!("it has {} choices", choices.len())))?;
        if choice.finish_reason.is_some_and(|why| why != "stop") {
            return Err(nonsense("the model did not come to an end"));
        }
        let Object(message) = choice.message;
        if message.refusal.is_some() {
            return Err(nonsense("the model refused to answer"));
        }
        if message.tool_calls.is_some_and(|calls| !calls.is_empty()) {
            return Err(nonsense("the model called a tool that it was not given"));
        }
        let content = message
            .content
            .ok_or_else(|| nonsense("the model said nothing"))?;
        Ok(Words {
            content,
            model: self.model,
        })
    }
}
