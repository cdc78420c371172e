//! Who claims to call, and what the parameters in the address say (section 1.4).

use tradewind_dialect::codec::{Format, Message, Pairs};
use tradewind_dialect::{Claim, Method, RawRequest};
use tradewind_domain::Refusal;

use crate::fields::{Fields, check_id, missing, wrong};
use crate::operation::{BUSI_ID, Operation};

/// The claim of a request. The values of `_type` and `encrypt` are checked first (section 6.5).
pub(crate) fn identify(operation: Operation, request: &RawRequest) -> Result<Claim, Refusal> {
    if operation.is_sign_in() {
        return Ok(Claim::Anonymous);
    }
    let parameters = Parameters::read(operation, request)?;
    parameters.format(operation)?;
    let encrypted = parameters.encrypted()?;
    let busi_id = match (parameters.busi_code(), request.param(BUSI_ID), operation.request_root()) {
        (Some(busi_code), _, _) => busi_code.to_owned(),
        (None, Some(segment), _) => segment.to_owned(),
        (None, None, Some(root)) if !encrypted => busi_id_in_body(operation, request, root)?,
        (None, None, _) => return Err(missing("busiCode")),
    };
    check_id("BUSI_ID", &busi_id)?;
    Ok(Claim::Key(busi_id))
}

fn busi_id_in_body(operation: Operation, request: &RawRequest, root: &str) -> Result<String, Refusal> {
    let field = operation.busi_id_field();
    let text = std::str::from_utf8(&request.body).map_err(|_| unreadable("it is not UTF-8"))?;
    let message = read_message(text, root)?;
    Fields(&message.members).raw(field)?.map(str::to_owned).ok_or_else(|| missing(field))
}

/// Reads a request's message: fields directly, or wrapped once in the name that XML calls its root.
pub(crate) fn read_message<'a>(text: &'a str, root: &str) -> Result<Message<'a>, Refusal> {
    let mut message = Message::read(text).map_err(|error| unreadable(&error.to_string()))?;
    match message.format {
        Format::Json => {
            message.members = message.members.unwrap_only(root).unwrap_or_else(|flat| flat);
        }
        Format::Xml if message.root.as_deref() == Some(root) => {}
        Format::Xml => return Err(unreadable(&format!("its root element is not {root}"))),
    }
    Ok(message)
}

/// The refusal of a message that cannot be read.
pub(crate) fn unreadable(problem: &str) -> Refusal {
    Refusal::Unreadable { problem: problem.to_owned() }
}

/// The parameters of a request: those of the address, and for interfaces that are otherwise called by
/// GET, those of a posted form.
pub(crate) struct Parameters<'a>(Pairs<'a>);

impl<'a> Parameters<'a> {
    pub(crate) fn read(operation: Operation, request: &'a RawRequest) -> Result<Parameters<'a>, Refusal> {
        let mut pairs = Pairs::parse(&request.query).map_err(|error| unreadable(&error.to_string()))?;
        if request.method == Method::Post && operation.request_root().is_none() {
            let form = std::str::from_utf8(&request.body).map_err(|_| unreadable("it is not UTF-8"))?;
            pairs.extend(form.trim_ascii()).map_err(|error| unreadable(&error.to_string()))?;
        }
        Ok(Parameters(pairs))
    }

    /// A parameter that is not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get_filled(name)
    }

    /// A parameter of at most `ID_CHARS_MAX` characters.
    pub(crate) fn id(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(None) };
        check_id(name, text).map(|()| Some(text))
    }

    pub(crate) fn sign(&self) -> Option<&str> {
        self.get("sign")
    }

    pub(crate) fn busi_code(&self) -> Option<&str> {
        self.get("busiCode")
    }

    /// The format that the answer must have.
    pub(crate) fn format(&self, operation: Operation) -> Result<Format, Refusal> {
        match self.get("_type") {
            None => Ok(operation.default_format()),
            Some(text) => format_of(text).ok_or_else(|| wrong("_type", "is neither json nor xml")),
        }
    }

    /// Whether the body, if there is one, is encrypted and the answer must be.
    pub(crate) fn encrypted(&self) -> Result<bool, Refusal> {
        match self.get("encrypt") {
            None => Ok(false),
            Some("3DES") => Ok(true),
            Some(_) => Err(wrong("encrypt", "is not 3DES")),
        }
    }
}

/// The format of a `_type`.
pub(crate) fn format_of(text: &str) -> Option<Format> {
    if text.eq_ignore_ascii_case("json") {
        Some(Format::Json)
    } else if text.eq_ignore_ascii_case("xml") {
        Some(Format::Xml)
    } else {
        None
    }
}
