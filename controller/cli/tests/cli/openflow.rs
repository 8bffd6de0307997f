//! `weft openflow`, which needs no controller.

use std::io::Write as _;
use std::process::{Command, Stdio};

use expect_test::{Expect, expect};

/// The vectors that the codec is tested with.
const RECORDED: &str = include_str!("../../../../openflow/tests/vectors/ovs-3.1.hex");

fn weft(arguments: &[&str], input: &str) -> (String, String, Option<i32>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_weft"))
        .arg("openflow")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // A command that fails early does not read all.
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[track_caller]
fn check(arguments: &[&str], input: &str, code: i32, stdout: Expect, stderr: Expect) {
    let run = weft(arguments, input);
    stdout.assert_eq(&run.0);
    stderr.assert_eq(&run.1);
    assert_eq!(run.2, Some(code));
}

#[test]
fn a_flow_becomes_a_flow_mod() {
    check(
        &[
            "encode",
            "--xid",
            "0x10",
            "table=1,priority=5,in_port=1 actions=output:2",
            "actions=drop",
        ],
        "",
        0,
        expect![[r#"
            040e005800000010000000000000000000000000000000000100000000000005ffffffffffffffffffffffff000000000001000c800000040000000100000000000400180000000000000010000000020000000000000000
            040e003800000011000000000000000000000000000000000000000000008000ffffffffffffffffffffffff000000000001000400000000
        "#]],
        expect![[""]],
    );
}

#[test]
fn what_is_encoded_decodes() {
    let flows = "# a comment\nip actions=drop\n\narp actions=LOCAL\n";
    let (hex, _, _) = weft(&["encode", "--bundle"], flows);
    check(
        &["decode"],
        &hex,
        0,
        expect![[r#"
        ONFT_BUNDLE_CONTROL (OF1.3) (xid=0x1):
         bundle_id=0x1 type=OPEN_REQUEST flags=atomic ordered
        ONFT_BUNDLE_ADD_MESSAGE (OF1.3) (xid=0x2):
         bundle_id=0x1 flags=atomic ordered
        OFPT_FLOW_MOD (OF1.3) (xid=0x2): ADD ip actions=drop
        ONFT_BUNDLE_ADD_MESSAGE (OF1.3) (xid=0x3):
         bundle_id=0x1 flags=atomic ordered
        OFPT_FLOW_MOD (OF1.3) (xid=0x3): ADD arp actions=LOCAL
        ONFT_BUNDLE_CONTROL (OF1.3) (xid=0x4):
         bundle_id=0x1 type=COMMIT_REQUEST flags=atomic ordered
    "#]],
        expect![[""]],
    );
    let (hex, _, _) = weft(&["encode", "--command", "delete", "cookie=1/-1"], "");
    check(
        &["decode", "--output", "json"],
        &hex,
        0,
        expect![[r#"
            {"version":4,"type":14,"length":56,"xid":1,"message":{"flow_mod":{"command":"delete","flow":{"table":255,"priority":32768,"cookie":"1","idle_timeout":0,"hard_timeout":0,"flags":0,"matching":{},"instructions":[]},"cookie_mask":"18446744073709551615","buffer_id":4294967295,"out_port":4294967295,"out_group":4294967295}},"text":"OFPT_FLOW_MOD (OF1.3) (xid=0x1): DEL table:255 cookie:0x1/0xffffffffffffffff actions=drop"}
        "#]],
        expect![[""]],
    );
}

/// What `ovs-ofctl` prints of a message, without the spaces that end its lines.
fn ofp_print(hex: &str) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("ovs-ofctl")
        .env("PATH", format!("{path}:/usr/sbin:/sbin"))
        .args(["ofp-print", hex])
        .output()
        .unwrap();
    trimmed(&String::from_utf8(output.stdout).unwrap())
}

fn trimmed(text: &str) -> String {
    let lines: Vec<_> = text.trim_end().lines().map(str::trim_end).collect();
    lines.join("\n")
}

#[test]
fn every_command_makes_what_ovs_ofctl_understands() {
    let flow = "# one\ntable=2,cookie=0x7, priority=5,ip,nw_dst=10.0.0.0/8 actions=output:2\n";
    let group = "group_id=7,type=select,bucket=weight:3,output:1,bucket=weight:4,output:2\n";
    let meter = "meter=9 kbps burst bands=type=drop rate=1000 burst_size=100\n";
    let mut compared = 0;
    for (kind, commands, text) in [
        (Some("--bundle"), ["add", "delete_strict"].as_slice(), flow),
        (None, ["add", "modify", "modify_strict", "delete", "delete_strict"].as_slice(), flow),
        (Some("--group"), &["add", "modify"], group),
        (Some("--group"), &["delete"], "group_id=7\n\ngroup_id=all\n"),
        (Some("--meter"), &["add", "modify"], meter),
        (Some("--meter"), &["delete"], "meter=9\nmeter=all\n"),
    ] {
        for command in commands {
            let arguments = ["encode", "--command", command].into_iter().chain(kind);
            let (hex, err, code) = weft(&arguments.collect::<Vec<_>>(), text);
            assert_eq!((err.as_str(), code), ("", Some(0)), "{command}");
            for line in hex.lines() {
                let (printed, _, _) = weft(&["decode"], line);
                assert_eq!(trimmed(&printed), ofp_print(line), "{command} {kind:?}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 19);
}

#[test]
fn only_flows_know_strict_commands() {
    check(
        &["encode", "--group", "--command", "delete_strict", "group_id=1"],
        "",
        2,
        expect![""],
        expect![[r#"
            weft: usage: no command on a group is strict
        "#]],
    );
}

#[test]
fn recorded_messages_are_encoded_again_as_they_were() {
    let lines =
        RECORDED.lines().filter_map(|line| line.split(' ').nth(1).filter(|it| it.starts_with('0')));
    let lines: Vec<_> = lines.collect();
    let (out, err, _) = weft(&["decode", "--reencode"], &lines.join("\n"));
    assert_eq!((out.lines().collect::<Vec<_>>(), err.as_str()), (lines.clone(), ""));
    // Several messages to a line, with spaces between the digits.
    let (out, _, _) = weft(&["decode", "--reencode"], &lines.join(" "));
    assert_eq!(out.lines().collect::<Vec<_>>(), lines);
}

#[test]
fn mistakes_are_pointed_at() {
    let fails = |arguments: &[&str], input: &str, stderr: Expect| {
        check(arguments, input, 1, expect![[""]], stderr);
    };
    fails(
        &["encode"],
        "ip actions=drop\nip,tp_dst=x actions=drop\n",
        expect![[r#"
        weft: invalid input: line 2, column 11: expected a protocol that has tp_dst, such as `tcp`
    "#]],
    );
    fails(
        &["encode", "ip"],
        "",
        expect![[r#"
        weft: invalid input: flow 1, column 3: expected `actions=`
    "#]],
    );
    fails(
        &["encode", "--group"],
        "# none\ngroup_id=3,type=any\n",
        expect![[r#"
        weft: invalid input: line 2, column 17: expected `all`, `select`, `indirect`, `ff` or a type's number
    "#]],
    );
    fails(
        &["encode", "--meter", "meter=1 kbps bands=type=drop"],
        "",
        expect![[r#"
        weft: invalid input: meter 1, column 29: expected `rate=`
    "#]],
    );
    fails(
        &["encode", "--meter", "--command", "delete", "meter=some"],
        "",
        expect![[r#"
        weft: invalid input: meter 1, column 7: expected a number of 32 bits or `all`
    "#]],
    );
    fails(
        &["decode"],
        "\n0400 00z8\n",
        expect![[r#"
        weft: invalid input: line 2, column 8: expected a hexadecimal digit, got 'z'
    "#]],
    );
    fails(
        &["decode"],
        "0414 0008 0000 000",
        expect![[r#"
        weft: invalid input: line 1, column 19: expected another digit
    "#]],
    );
    fails(
        &["decode"],
        "041400070000000100",
        expect![[r#"
        weft: invalid input: line 1, column 5: the length is 7, wanted at least 8
    "#]],
    );
    fails(
        &["decode"],
        "0418 0018 0000 001d 0000 0009 0000000000000000000000000000",
        expect![[r#"
        weft: invalid input: line 1, column 21: ofp_role_request at byte 8: role is 9, wanted 0 to 3
    "#]],
    );
    fails(
        &["explain-field", "ct_stat"],
        "",
        expect![[r#"
        weft: invalid input: no field is named "ct_stat": did you mean ct_state?
    "#]],
    );
}

/// A capture of a connection: the switch's first segment came again, the controller's second before
/// its first.
fn captured(path: &std::path::Path) {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 1_u32] {
        file.extend(word.to_le_bytes());
    }
    let switch = ([10, 0, 0, 2], 40_000);
    let controller = ([10, 0, 0, 1], 6653);
    let hello = [4, 0, 0, 8, 0, 0, 0, 1];
    let features = [4, 5, 0, 8, 0, 0, 0, 2];
    let barrier = [4, 20, 0, 8, 0, 0, 0, 3];
    let segments: [(_, _, u32, &[u8]); 5] = [
        (switch, controller, 100, &hello),
        (switch, controller, 100, &hello),
        (controller, switch, 7, &hello[..4]),
        (controller, switch, 15, &[features, barrier].concat()),
        (controller, switch, 11, &hello[4..]),
    ];
    for (at, (from, to, sequence, payload)) in (0_u32..).zip(segments) {
        let mut packet = Vec::new();
        etherparse::PacketBuilder::ethernet2([2; 6], [4; 6])
            .ipv4(from.0, to.0, 64)
            .tcp(from.1, to.1, sequence, 1000)
            .write(&mut packet, payload)
            .unwrap();
        let length = u32::try_from(packet.len()).unwrap();
        for word in [1_700_000_000, at * 1000, length, length] {
            file.extend(word.to_le_bytes());
        }
        file.extend(packet);
    }
    std::fs::write(path, file).unwrap();
}

#[test]
fn a_captured_conversation_is_printed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("capture.pcap");
    captured(&path);
    let path = path.to_str().unwrap();
    check(
        &["decode", "--pcap", path],
        "",
        0,
        expect![[r#"
        0.000000 10.0.0.2:40000 > 10.0.0.1:6653
        OFPT_HELLO (OF1.3) (xid=0x1):
        0.004000 10.0.0.1:6653 > 10.0.0.2:40000
        OFPT_HELLO (OF1.3) (xid=0x1):
        0.004000 10.0.0.1:6653 > 10.0.0.2:40000
        OFPT_FEATURES_REQUEST (OF1.3) (xid=0x2):
        0.004000 10.0.0.1:6653 > 10.0.0.2:40000
        OFPT_BARRIER_REQUEST (OF1.3) (xid=0x3):
    "#]],
        expect![[""]],
    );
    check(
        &["decode", "--pcap", path, "-o", "json"],
        "",
        0,
        expect![[r#"
            {"version":4,"type":0,"length":8,"xid":1,"captured":{"time":"1700000000.000000000","from":"10.0.0.2:40000","to":"10.0.0.1:6653"},"message":{"hello":{"version":4,"bitmap":[],"other":""}},"text":"OFPT_HELLO (OF1.3) (xid=0x1):"}
            {"version":4,"type":0,"length":8,"xid":1,"captured":{"time":"1700000000.004000000","from":"10.0.0.1:6653","to":"10.0.0.2:40000"},"message":{"hello":{"version":4,"bitmap":[],"other":""}},"text":"OFPT_HELLO (OF1.3) (xid=0x1):"}
            {"version":4,"type":5,"length":8,"xid":2,"captured":{"time":"1700000000.004000000","from":"10.0.0.1:6653","to":"10.0.0.2:40000"},"message":"features_request","text":"OFPT_FEATURES_REQUEST (OF1.3) (xid=0x2):"}
            {"version":4,"type":20,"length":8,"xid":3,"captured":{"time":"1700000000.004000000","from":"10.0.0.1:6653","to":"10.0.0.2:40000"},"message":"barrier_request","text":"OFPT_BARRIER_REQUEST (OF1.3) (xid=0x3):"}
        "#]],
        expect![[""]],
    );
    let wrong = directory.path().join("text");
    std::fs::write(&wrong, "this is text and no capture at all").unwrap();
    let (out, err, code) = weft(&["decode", "--pcap", wrong.to_str().unwrap()], "");
    assert_eq!((out.as_str(), code), ("", Some(1)));
    assert!(err.contains("neither pcap nor pcapng"), "{err}");
}

#[test]
fn every_field_is_explained() {
    let mut names: Vec<_> = openflow::Field::all().iter().map(|spec| spec.name).collect();
    names.extend(["tun_metadata63", "tunnel_id", "NXM_OF_IP_SRC"]);
    for name in names {
        let (out, err, code) = weft(&["explain-field", name, "-o", "json"], "");
        assert_eq!((err.as_str(), code), ("", Some(0)), "{name}");
        let field: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert!(field["bits"].as_u64().is_some_and(|bits| bits > 0), "{out}");
        assert!(field["number"].is_u64() && field["class"].is_string(), "{out}");
        assert!(field["maskable"].is_boolean() && field["prerequisites"].is_string(), "{out}");
    }
}

#[test]
fn a_field_is_explained() {
    check(
        &["explain-field", "tcp_flags"],
        "",
        0,
        expect![[r#"
        name              tcp_flags
        in a match        tcp_flags
        in move and load  NXM_NX_TCP_FLAGS
        on the wire       class 0xffff, field 42, experimenter 0x4f4e4600
        width             12 bits
        mask              yes
        prerequisites     tcp or tcp6
        format            TCP flags: +syn-ack…
    "#]],
        expect![[""]],
    );
    check(
        &["explain-field", "NXM_OF_ETH_DST", "-o", "json"],
        "",
        0,
        expect![[r#"
        {
          "name": "eth_dst",
          "match_name": "dl_dst",
          "wire_name": "NXM_OF_ETH_DST",
          "class": "0x8000",
          "number": 3,
          "experimenter": "0x00000000",
          "bits": 48,
          "maskable": true,
          "prerequisites": "none",
          "format": "Ethernet address"
        }
    "#]],
        expect![[""]],
    );
}
