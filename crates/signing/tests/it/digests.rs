//! Digests and MACs against published vectors.

use tradewind_signing::{
    Md5, constant_time_eq, content_fingerprint, hmac_sha1, hmac_sha256, hmac_sha256_verify, md5_hex_parts,
    sha256,
};

/// RFC 1321, appendix A.5.
#[test]
fn md5_vectors() {
    let check = |clear: &str, hex: &str| {
        assert_eq!(md5_hex_parts(&[clear.as_bytes()]), hex.as_bytes(), "{clear:?}");
        let (head, tail) = clear.as_bytes().split_at(clear.len() / 2);
        assert_eq!(md5_hex_parts(&[head, b"", tail]), hex.as_bytes(), "{clear:?} in parts");
        let mut md5 = Md5::new();
        clear.as_bytes().chunks(3).for_each(|chunk| md5.update(chunk));
        assert_eq!(md5.finish_hex(), hex.as_bytes(), "{clear:?} in steps");
    };
    check("", "d41d8cd98f00b204e9800998ecf8427e");
    check("a", "0cc175b9c0f1b6a831c399e269772661");
    check("abc", "900150983cd24fb0d6963f7d28e17f72");
    check("message digest", "f96b697d7cb7938d525a2f31aaf161d0");
    check("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b");
    check(
        "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
        "57edf4a22be3c955ac49da2e2107b67a",
    );
}

/// FIPS 180-2, appendix B, and the empty text.
#[test]
fn sha256_vectors() {
    let check = |parts: &[&[u8]], expected: &str| assert_eq!(hex::encode(sha256(parts)), expected);
    check(&[], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check(&[b"a", b"bc"], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check(
        &[b"abcdbcdecdefdefgefghfghighij", b"hijkijkljklmklmnlmnomnopnopq"],
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    );
}

/// RFC 4231, cases 1, 2 and 6 (a key longer than a block).
#[test]
fn hmac_vectors() {
    let check = |key: &[u8], parts: &[&[u8]], expected: &str| {
        let tag = hmac_sha256(key, parts);
        assert_eq!(hex::encode(tag), expected);
        assert!(hmac_sha256_verify(key, parts, &tag));
        assert!(!hmac_sha256_verify(key, parts, &tag[..16]), "a truncated tag");
        assert!(!hmac_sha256_verify(key, parts, &[]), "no tag");
        for position in 0..tag.len() {
            let mut changed = tag;
            changed[position] ^= 1;
            assert!(!hmac_sha256_verify(key, parts, &changed), "byte {position} changed");
        }
    };
    check(
        &[0x0b; 20],
        &[b"Hi ", b"There"],
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    );
    check(
        b"Jefe",
        &[b"what do ya want for nothing?"],
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
    check(
        &[0xaa; 131],
        &[b"Test Using Larger Than Block-Size Key - Hash Key First"],
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    );
}

/// RFC 2202, cases 1, 2, 3 and 6 (a key longer than a block).
#[test]
fn hmac_sha1_vectors() {
    let check = |key: &[u8], clear: &[u8], expected: &str| {
        assert_eq!(hex::encode(hmac_sha1(key, &[clear])), expected);
        let (head, tail) = clear.split_at(clear.len() / 2);
        assert_eq!(hex::encode(hmac_sha1(key, &[head, b"", tail])), expected, "in parts");
    };
    check(&[0x0b; 20], b"Hi There", "b617318655057264e28bc0b6fb378c8ef146be00");
    check(b"Jefe", b"what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    check(&[0xaa; 20], &[0xdd; 50], "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
    check(
        &[0xaa; 80],
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "aa4ae5e15272d00e95705637ce8a3b55ed402112",
    );
}

#[test]
fn fingerprints_tell_contents_and_boundaries_apart() {
    let contents: [&[&[u8]]; 7] =
        [&[], &[b""], &[b"", b""], &[b"ab", b"c"], &[b"a", b"bc"], &[b"abc"], &[b"c", b"ab"]];
    for (i, left) in contents.iter().enumerate() {
        for (j, right) in contents.iter().enumerate() {
            assert_eq!(content_fingerprint(left) == content_fingerprint(right), i == j, "{left:?} {right:?}");
        }
    }
}

/// Fingerprints are stored: this value may never change.
#[test]
fn fingerprint_is_stable() {
    let digest = sha256(&[&3_u64.to_be_bytes(), b"abc", &1_u64.to_be_bytes(), b"d"]);
    let expected = i64::from_be_bytes(digest[..8].try_into().unwrap());
    assert_eq!(content_fingerprint(&[b"abc", b"d"]), expected);
}

#[test]
fn constant_time_comparison_compares() {
    let check = |left: &[u8], right: &[u8]| assert_eq!(constant_time_eq(left, right), left == right);
    check(b"", b"");
    check(b"abc", b"abc");
    check(b"abc", b"abd");
    check(b"abc", b"ab");
    check(b"", b"a");
}
