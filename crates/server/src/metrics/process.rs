//! What the system says about this process.

/// The resident memory in bytes, where the system tells (`/proc`).
pub(crate) fn resident_bytes() -> Option<usize> {
    parse(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn parse(status: &str) -> Option<usize> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_line_is_found() {
        let check = |status: &str, expected: Option<usize>| assert_eq!(parse(status), expected, "{status:?}");
        check("Name:\ttradewind\nVmRSS:\t   20480 kB\nThreads:\t3\n", Some(20_971_520));
        check("Name:\ttradewind\n", None);
        check("VmRSS:\tmuch\n", None);
    }
}
