//! The parts that pages are made of.

use maud::{DOCTYPE, Markup, html};

/// The style sheet of all pages.
pub const STYLE: &str = include_str!("console.css");

/// Where the style sheet is served.
pub const STYLE_PATH: &str = "/assets/console.css";

/// How a message is meant; decides its colour, never its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It went well.
    Good,
    /// It is as it is.
    Plain,
    /// It did not go well.
    Bad,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Tone::Good => "notice good",
            Tone::Plain => "notice",
            Tone::Bad => "notice bad",
        }
    }
}

/// A whole page with its title, which is also its main heading.
pub fn page(title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="stylesheet" href=(STYLE_PATH);
            }
            body {
                main {
                    h1 { (title) }
                    (content)
                }
            }
        }
    }
}

/// A message about how things stand, announced by screen readers.
pub fn notice(tone: Tone, text: &str) -> Markup {
    html! { p class=(tone.class()) role="status" { (text) } }
}

/// Names with their values.
pub fn facts(rows: &[(&str, &str)]) -> Markup {
    html! {
        dl {
            @for (name, value) in rows {
                div { dt { (name) } dd { (value) } }
            }
        }
    }
}

/// The choices of a form: each is a button that sends its value as `action`. The first is the one to
/// expect.
pub fn choices(path: &str, buttons: &[(&str, &str)]) -> Markup {
    html! {
        form method="post" action=(path) {
            @for (index, (value, label)) in buttons.iter().enumerate() {
                button type="submit" name="action" value=(value) class=(if index == 0 { "main" } else { "other" }) {
                    (label)
                }
            }
        }
    }
}

/// A picture with the words that stand for it.
pub fn picture(source: &str, words: &str) -> Markup {
    html! { img class="qr" src=(source) alt=(words) width="220" height="220"; }
}
