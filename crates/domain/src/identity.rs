//! Numbers of PRC identity cards (GB 11643): eighteen characters with a check character, or the fifteen
//! digits that were given out until 1999. Whether there is such a card is not asked.

use crate::Day;

/// The kind of an identity document that is a PRC identity card.
pub(crate) const IDENTITY_CARD: &str = "0";

/// Whether `number` can be that of a PRC identity card: its date of birth is one, and where there is a
/// check character, it is right.
pub(crate) fn is_identity_card(number: &str) -> bool {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match number.len() {
        18 => {
            let Some((digits, check)) = number.split_at_checked(17) else { return false };
            is_digits(digits)
                && digits.get(6..14).is_some_and(is_date)
                && check.eq_ignore_ascii_case(check_character(digits))
        }
        15 => is_digits(number) && number.get(6..12).is_some_and(|date| is_date(&format!("19{date}"))),
        _ => false,
    }
}

fn is_date(text: &str) -> bool {
    let part = |range| text.get(range).and_then(|digits: &str| digits.parse::<u32>().ok());
    match (part(0..4), part(4..6), part(6..8)) {
        (Some(year), Some(month), Some(day)) => {
            i32::try_from(year).is_ok_and(|year| Day::from_date(year, month, day).is_some())
        }
        _ => false,
    }
}

/// ISO 7064 MOD 11-2 over seventeen digits.
fn check_character(digits: &str) -> &'static str {
    let remainder =
        digits.bytes().fold(0_u32, |so_far, digit| (so_far + u32::from(digit.wrapping_sub(b'0'))) * 2 % 11);
    match (12 - remainder) % 11 {
        0 => "0",
        1 => "1",
        2 => "2",
        3 => "3",
        4 => "4",
        5 => "5",
        6 => "6",
        7 => "7",
        8 => "8",
        9 => "9",
        _ => "X",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The weights and check characters as GB 11643 prints them, against the recursive form above.
    fn by_the_table(digits: &str) -> char {
        const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
        let sum: u32 =
            digits.bytes().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
        "10X98765432".chars().nth(usize::try_from(sum % 11).unwrap()).unwrap()
    }

    #[test]
    fn the_examples_of_the_standard_are_right() {
        // The two examples of GB 11643-1999, and numbers that public articles on it use.
        for number in ["11010519491231002X", "440524188001010014", "34052419800101001X", "11010119900307109X"]
        {
            assert_eq!(is_identity_card(number), number.ends_with(by_the_table(&number[..17])), "{number}");
        }
        for number in ["11010519491231002X", "11010519491231002x", "440524188001010014", "34052419800101001X"]
        {
            assert!(is_identity_card(number), "{number}");
        }
        // The old form of the first: no century, no check character.
        assert!(is_identity_card("110105491231002"));
    }

    #[test]
    fn both_ways_to_reckon_the_check_character_agree() {
        for step in 0..10_000_u64 {
            let digits = format!("{:017}", step * 9_973_000_007 % 100_000_000_000_000_000);
            assert_eq!(check_character(&digits), by_the_table(&digits).to_string(), "{digits}");
        }
    }

    #[test]
    fn what_cannot_be_a_card_is_found() {
        let bad = [
            "",
            "1",
            "110105194912310020",
            "11010519491231002Y",
            "21010519491231002X",
            // The check characters of these are right, and there are no such dates.
            "110105194902300020",
            "110105194913310021",
            "110105000012310026",
            "1101054912310021",
            "110105491331002",
            "11010549123100X",
            "11010519491231002XX",
            "X1010519491231002X",
            "１１０１０５",
            "1101051949123100é",
        ];
        for number in bad {
            assert!(!is_identity_card(number), "{number}");
        }
        // Every single wrong digit shows.
        let right = "11010519491231002X";
        for place in 0..17 {
            for digit in '0'..='9' {
                let mut wrong: Vec<char> = right.chars().collect();
                if wrong[place] == digit {
                    continue;
                }
                wrong[place] = digit;
                let wrong: String = wrong.into_iter().collect();
                assert!(!is_identity_card(&wrong), "{wrong}");
            }
        }
    }
}
