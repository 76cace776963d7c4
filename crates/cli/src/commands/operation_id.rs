use serde_json::json;

use crate::answer::Answer;

/// Read it out to the operator, and to nobody else; once it is approved, give it to `recover` or
/// `backup --replace` as `--approved`.
#[derive(Debug, clap::Args)]
pub(crate) struct OperationId {}

impl OperationId {
    pub(crate) fn run(&self) -> Answer {
        let id = twoshare::make_operation_id().to_string();
        Answer { json: json!({ "operation": id }), text: id }
    }
}
