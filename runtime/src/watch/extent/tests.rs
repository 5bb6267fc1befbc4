use super::*;

/// A little-endian image written field by field.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn u16(&mut self, values: &[u16]) -> &mut Self {
        values.iter().for_each(|value| self.0.extend(value.to_le_bytes()));
        self
    }
    fn u32(&mut self, values: &[u32]) -> &mut Self {
        values.iter().for_each(|value| self.0.extend(value.to_le_bytes()));
        self
    }
    fn u64(&mut self, values: &[u64]) -> &mut Self {
        values.iter().for_each(|value| self.0.extend(value.to_le_bytes()));
        self
    }
    fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend(bytes);
        self
    }
    fn pad_to(&mut self, len: usize) -> &mut Self {
        assert!(self.0.len() <= len);
        self.0.resize(len, 0xAA);
        self
    }
}

/// One segment, 32 bytes of it at 0x100; sections: none, data at 0x120, no bits; table at the end.
fn elf64() -> Vec<u8> {
    let mut image = Bytes::default();
    image.raw(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    image.u16(&[3, 62]).u32(&[1]).u64(&[0, 64, 0x140]).u32(&[0]).u16(&[64, 56, 1, 64, 3, 0]);
    image.u32(&[1, 5]).u64(&[0x100, 0x100, 0x100, 0x20, 0x20, 0x1000]);
    image.pad_to(0x140);
    for (kind, offset, size) in [(0, 0, 0), (1, 0x120, 0x20), (8, 0x120, 1 << 40)] {
        image.u32(&[0, kind]).u64(&[0, 0, offset, size]).u32(&[0, 0]).u64(&[1, 0]);
    }
    image.0
}

fn elf32() -> Vec<u8> {
    let mut image = Bytes::default();
    image.raw(b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0");
    image.u16(&[3, 3]).u32(&[1, 0, 52, 0, 0]).u16(&[52, 32, 1, 40, 0, 0]);
    image.u32(&[1, 0x60, 0x60, 0x60, 0x20, 0x20, 5, 0x1000]).pad_to(0x80);
    image.0
}

fn mach_o64() -> Vec<u8> {
    let mut image = Bytes::default();
    image.u32(&[0xfeed_facf, 0x0100_000c, 0, 6, 2, 72 + 24, 0, 0]);
    image.u32(&[0x19, 72]).raw(b"__TEXT\0\0\0\0\0\0\0\0\0\0");
    image.u64(&[0, 0x100, 0, 0xA0]).u32(&[5, 5, 0, 0]);
    image.u32(&[2, 24, 0xA0, 0, 0xB0, 0x10]).pad_to(0xC0);
    image.0
}

fn mach_o_fat() -> Vec<u8> {
    let inner = mach_o64();
    let mut image = vec![0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 1];
    for field in [0x0100_000c, 0, 0x40, inner.len() as u32, 3] {
        image.extend(u32::to_be_bytes(field));
    }
    image.resize(0x40, 0);
    image.extend(inner);
    image
}

/// Headers, one section of 0x20 bytes at 0x200, one symbol and an empty table of names behind it.
fn pe64() -> Vec<u8> {
    let mut image = Bytes::default();
    image.raw(b"MZ").pad_to(0x3c).u32(&[0x40]).raw(b"PE\0\0");
    image.u16(&[0x8664, 1]).u32(&[0, 0x220, 1]).u16(&[240, 0x2022]);
    let optional = image.0.len();
    image.u16(&[0x20b, 0]).u32(&[0, 0, 0, 0x1000, 0x1000]).u64(&[0x1_8000_0000]);
    image.u32(&[0x1000, 0x200]).u16(&[6, 0, 0, 0, 6, 0]).u32(&[0, 0x2000, 0x200, 0]);
    image.u16(&[2, 0]).u64(&[0, 0, 0, 0]).u32(&[0, 16]);
    assert_eq!(image.0.len(), optional + 112);
    image.raw(&[0; 128]);
    image.raw(b".text\0\0\0").u32(&[0x20, 0x1000, 0x20, 0x200, 0, 0, 0, 0x6000_0020]);
    image.pad_to(0x220).raw(&[0; 18]).u32(&[4]);
    image.0
}

fn images() -> Vec<(&'static str, Format, Vec<u8>)> {
    vec![
        ("elf64", Format::Elf, elf64()),
        ("elf32", Format::Elf, elf32()),
        ("mach_o64", Format::MachO, mach_o64()),
        ("mach_o_fat", Format::MachO, mach_o_fat()),
        ("pe64", Format::Pe, pe64()),
    ]
}

#[test]
fn whole_images_are_whole_and_may_have_more_behind_them() {
    for (name, format, mut image) in images() {
        assert_eq!(of_bytes(&image), Ok(format), "{name}");
        image.extend([7; 100]);
        assert_eq!(of_bytes(&image), Ok(format), "{name} with a tail");
    }
}

#[test]
fn every_shorter_image_is_cut_and_says_by_how_much() {
    for (name, _, image) in images() {
        for len in 0..image.len() {
            let error = of_bytes(&image[..len]).unwrap_err();
            let Unfinished::Cut { expected, found, .. } = &error else {
                panic!("{name} at {len}: {error}");
            };
            assert_eq!(*found, len as u64, "{name} at {len}: {error}");
            assert!(*expected > *found, "{name} at {len}: {error}");
            assert!(*expected <= image.len() as u64, "{name} at {len}: {error}");
        }
    }
}

#[test]
fn an_image_written_from_behind_is_not_whole_before_its_header_is() {
    for (name, _, image) in images() {
        let mut hollow = vec![0; image.len()];
        hollow[64..].copy_from_slice(&image[64..]);
        let error = of_bytes(&hollow).unwrap_err();
        assert!(error.to_string().contains("zeros"), "{name}: {error}");
    }
}

#[test]
fn other_files_say_what_they_are() {
    let cases: &[(&[u8], &str)] = &[
        (b"#!/bin/sh\necho hello there\n", "#!/bin/sh"),
        (b"!<arch>\nfoo.o/          0           0     0     644     4         `\n", "Archive"),
        (b"\0asm\x01\0\0\0 and some more bytes", "asm"),
    ];
    for (bytes, words) in cases {
        let error = of_bytes(bytes).unwrap_err().to_string();
        assert!(error.contains("not a dynamic library"), "{error}");
        assert!(error.contains(words), "{words:?} is not in {error:?}");
    }
}

#[test]
fn an_object_file_is_not_a_dynamic_library() {
    let mut object = elf64();
    object[32..40].fill(0);
    object[56..58].fill(0);
    let error = of_bytes(&object).unwrap_err();
    assert!(error.to_string().contains("object file"), "{error}");
}

#[test]
fn a_count_too_large_for_the_header_is_read_from_the_first_section() {
    let mut image = elf64();
    image[60..62].fill(0);
    image[0x140 + 32..0x140 + 40].copy_from_slice(&3u64.to_le_bytes());
    assert_eq!(of_bytes(&image), Ok(Format::Elf));
    image[0x140 + 32..0x140 + 40].copy_from_slice(&4u64.to_le_bytes());
    let error = of_bytes(&image).unwrap_err();
    let expected = image.len() as u64 + 64;
    assert!(error.to_string().contains(&expected.to_string()), "{error}");
}

#[test]
fn an_offset_near_the_largest_number_does_not_wrap_around() {
    let mut image = elf64();
    image[64 + 8..64 + 16].copy_from_slice(&(u64::MAX - 4).to_le_bytes());
    assert!(matches!(of_bytes(&image), Err(Unfinished::NotAnImage { .. })));
}

#[test]
fn fat_parts_that_share_bytes_are_refused() {
    let inner = mach_o64();
    let mut image = vec![0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 2];
    for field in [[0x0100_000c, 0, 0x40, inner.len() as u32, 3]; 2].as_flattened() {
        image.extend(u32::to_be_bytes(*field));
    }
    image.resize(0x40, 0);
    image.extend(inner);
    assert!(of_bytes(&image).unwrap_err().to_string().contains("overlap"));
}

/// Small xorshift generator, so that a failure can be repeated.
fn random(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 11) as usize
}

#[test]
fn no_bytes_make_it_panic() {
    let mut state = 0x9E37_79B9_7F4A_7C15;
    for (_, _, image) in images() {
        for _ in 0..20_000 {
            let mut broken = image.clone();
            for _ in 0..1 + random(&mut state) % 6 {
                let at = random(&mut state) % broken.len().min(0x140);
                broken[at] = [0, 1, 0x7f, 0xff, random(&mut state) as u8][random(&mut state) % 5];
            }
            broken.truncate(broken.len() - random(&mut state) % 9);
            let _ = of_bytes(&broken);
        }
    }
}

#[test]
fn a_file_is_judged_like_its_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    for (name, format, image) in images() {
        std::fs::write(&path, &image).unwrap();
        assert_eq!(of_file(&File::open(&path).unwrap()), Ok(format), "{name}");
        std::fs::write(&path, &image[..image.len() - 1]).unwrap();
        let cut = of_bytes(&image[..image.len() - 1]);
        assert_eq!(of_file(&File::open(&path).unwrap()), cut, "{name}");
    }
}

#[test]
fn the_running_program_is_whole_and_its_first_half_is_not() {
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    assert!(of_bytes(&program).is_ok());
    assert!(matches!(of_bytes(&program[..program.len() / 2]), Err(Unfinished::Cut { .. })));
}
