#!/usr/bin/env bash
# SIPp 3.6.1, sipsak 0.9.8.1 and baresip 1.0.0 (Debian 12) against a registrar that offers two digest algorithms, as
# RFC 8760 has it: one WWW-Authenticate line for each, the one it likes best first, and the client answers the
# first that it supports.
#
# Seen: SIPp gives up and sipsak is refused when SHA-256 stands first, although MD5, which both know, is offered below it.
# baresip gives up as soon as SHA-256 is among the challenges, MD5 first or not. All three register when MD5 is offered alone.
# Expected: each answers MD5 wherever it stands.
#
# Ends with 0 if it is still so, with 1 if anything differs. Needs Debian 12 with apt's package lists, and Python 3.
set -euo pipefail
work=$(mktemp -d)
trap 'jobs -p | xargs -r kill 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"

packages=(sip-tester=1:3.6.1-1+b2 sipsak=0.9.8.1-1 baresip-core=1.0.0-4+b3)
mkdir -p archives/partial root
apt-get -qq -y -o APT::Sandbox::User=root -o Dir::Cache::archives="$work/archives" -o Debug::NoLocking=1 --no-install-recommends --reinstall \
    --download-only install "${packages[@]}" >/dev/null
for package in archives/*.deb; do dpkg -x "$package" root; done
libraries=$(find "$work/root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
run() { LD_LIBRARY_PATH="$libraries" timeout 10 "$work/root/usr/bin/$@" </dev/null >"$work/said" 2>&1; }

cat >registrar.py <<'PY'
"""Challenges every REGISTER with the algorithms given, in their order, and says 200 to a right answer to any of them."""
import hashlib, re, socket, sys
HASH = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
offered = sys.argv[2:]
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
def right(value):
    fields = {k.lower(): v.strip('"') for k, v in re.findall(r'(\w+)=("[^"]*"|[^,\s]+)', value)}
    make = HASH[fields.get("algorithm", "MD5")]
    h = lambda text: make(text.encode()).hexdigest()
    a1, a2 = h(f"{fields['username']}:lab.example:s3cret"), h(f"REGISTER:{fields['uri']}")
    return fields["response"] == h(f"{a1}:{fields['nonce']}:{fields['nc']}:{fields['cnonce']}:{fields['qop']}:{a2}")
while True:
    data, peer = server.recvfrom(65535)
    lines = data.decode().split("\r\n")
    if not lines[0].startswith("REGISTER"):
        continue
    given = next((line.partition(":")[2] for line in lines if line.lower().startswith("authorization:")), "")
    kept = [l for l in lines if re.match(r"(?i)(via|v|from|f|to|t|call-id|i|cseq):", l)]
    kept = [l + ";tag=r" if re.match(r"(?i)(to|t):", l) and ";tag=" not in l else l for l in kept]
    if given and right(given):
        contact = next(line for line in lines if re.match(r"(?i)(contact|m):", line))
        start, more = "SIP/2.0 200 OK", [contact, "Expires: 60"]
    else:
        start, more = "SIP/2.0 401 Unauthorized", [
            f'WWW-Authenticate: Digest realm="lab.example", nonce="n{number}", algorithm={name}, qop="auth"'
            for number, name in enumerate(offered)
        ]
    server.sendto("\r\n".join([start, *kept, *more, "Content-Length: 0", "", ""]).encode(), peer)
PY

cat >register.xml <<'XML'
<?xml version="1.0"?>
<scenario name="register">
  <send><![CDATA[
REGISTER sip:lab.example SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:alice@lab.example>;tag=[call_number]
To: <sip:alice@lab.example>
Call-ID: [call_id]
CSeq: 1 REGISTER
Contact: <sip:alice@[local_ip]:[local_port]>
Content-Length: 0

]]></send>
  <recv response="401" auth="true"/>
  <send><![CDATA[
REGISTER sip:lab.example SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:alice@lab.example>;tag=[call_number]
To: <sip:alice@lab.example>
Call-ID: [call_id]
CSeq: 2 REGISTER
Contact: <sip:alice@[local_ip]:[local_port]>
[authentication username=alice password=s3cret]
Content-Length: 0

]]></send>
  <recv response="200"/>
</scenario>
XML

mkdir -p baresip
cat >baresip/accounts <<'A'
<sip:alice@127.0.0.1:PORT;transport=udp>;auth_user=alice;auth_pass=s3cret;regint=60
A
cat >baresip/config <<A
sip_listen 127.0.0.1:0
module_path $work/root/usr/lib/baresip/modules
module_app account.so
module_app menu.so
A
touch baresip/contacts

port=$((20000 + RANDOM % 20000))
seen=""
for offer in "SHA-256 MD5" "MD5 SHA-256" "MD5"; do
    port=$((port + 7))
    # shellcheck disable=SC2086
    python3 registrar.py "$port" $offer >registrar.log &
    registrar=$!
    until grep -q ready registrar.log; do sleep 0.1; done
    run sipp -sf "$work/register.xml" -m 1 -i 127.0.0.1 -p $((port + 1)) "127.0.0.1:$port" -nostdin && sipp=yes || sipp=no
    run sipsak -U -s "sip:alice@127.0.0.1:$port" -C "sip:alice@127.0.0.1:$((port + 2))" -u alice -a s3cret -x 60 \
        && sipsak=yes || sipsak=no
    sed -i "s/127.0.0.1:[0-9A-Z]*;transport/127.0.0.1:$port;transport/" baresip/accounts
    run baresip -f "$work/baresip" -t 4 || true
    grep -qa '200 OK' said && baresip=yes || baresip=no
    kill "$registrar"; wait "$registrar" 2>/dev/null || true
    seen+="$offer: SIPp $sipp, sipsak $sipsak, baresip $baresip"$'\n'
done
printf 'who registers:\n%s' "$seen"
expected='SHA-256 MD5: SIPp no, sipsak no, baresip no
MD5 SHA-256: SIPp yes, sipsak yes, baresip no
MD5: SIPp yes, sipsak yes, baresip yes
'
[ "$seen" = "$expected" ] || { printf 'this differs from what was seen before:\n%s' "$expected"; exit 1; }
