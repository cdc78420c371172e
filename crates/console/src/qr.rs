//! QR codes as SVG pictures.

use fast_qr::ECL;
use fast_qr::convert::svg::SvgBuilder;
use fast_qr::qr::QRBuilder;

/// The picture of a QR code that holds `text`; `None` when the text is too long for one.
pub(crate) fn svg(text: &str) -> Option<String> {
    let code = QRBuilder::new(text).ecl(ECL::M).build().ok()?;
    Some(SvgBuilder::default().to_str(&code))
}

#[cfg(test)]
mod tests {
    use super::svg;

    #[test]
    fn links_fit_and_books_do_not() {
        let picture =
            svg("https://pay.example/pay/17637800000000100-17637800000000101-0123456789ab").unwrap();
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>"), "{picture}");
        assert!(!picture.contains("<script"), "{picture}");
        assert_eq!(svg(&"x".repeat(5_000)), None);
    }
}
