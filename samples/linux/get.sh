#!/bin/sh
# Gets Debian's stock kernel and busybox, and makes of them what `kvmactors run` boots:
#
#     samples/linux/get.sh [FLAVOUR] [FOLDER]
#
# FLAVOUR is cloud-amd64 (default) or amd64, the generic kernel; FOLDER (default: ./linux-FLAVOUR) receives vmlinux and
# initramfs.cpio. It wants Debian's apt-get, dpkg-deb, xz and lz4, needs no root, and changes nothing but FOLDER.
set -eu

flavour=${1:-cloud-amd64}
folder=${2:-linux-$flavour}
here=$(cd "$(dirname "$0")" && pwd)

fail() {
    echo "get.sh: $*" >&2
    exit 1
}

for tool in apt-get apt-cache dpkg-deb xz lz4 od; do
    command -v "$tool" >/dev/null || fail "expected $tool on the PATH, found none: apt-get install xz-utils lz4"
done

# The meta package names the newest kernel of its flavour.
kernel=$(apt-cache depends "linux-image-$flavour" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-.*\)$/\1/p' | head -n 1)
[ -n "$kernel" ] || fail "expected a package linux-image-$flavour, found none: run apt-get update, or name cloud-amd64 or amd64"

mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get -q download "$kernel" busybox-static 2>"$work/errors") ||
    fail "apt-get could not download $kernel and busybox-static: $(cat "$work/errors")"
for package in "$work"/*.deb; do
    dpkg-deb -x "$package" "$work/tree"
done

# A bzImage is real-mode code, then a payload at a place its header tells; the payload's last four bytes are its length.
bzimage=$(echo "$work"/tree/boot/vmlinuz-*)
number() { od -An -tu"$2" -j"$1" -N"$2" "$bzimage" | tr -d ' '; }
sectors=$(number 497 1)
offset=$(((sectors + 1) * 512 + $(number 584 4)))
length=$(number 588 4)
payload="$work/payload"
tail -c +$((offset + 1)) "$bzimage" | head -c $((length - 4)) >"$payload"
case $(od -An -tx1 -N4 "$payload" | tr -d ' ') in
02214c18) lz4 -dc "$payload" >"$folder/vmlinux" ;;
fd377a58) xz -dc --single-stream <"$payload" >"$folder/vmlinux" ;;
*) fail "expected a kernel compressed by LZ4 or XZ, found another: $(od -An -tx1 -N4 "$payload")" ;;
esac

root="$work/root"
mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys"
cp "$work"/tree/bin/busybox "$root/bin/"
cp "$here/init" "$root/init"
chmod 755 "$root/init"
# Names sorted and times fixed: the same packages make the same archive.
find "$root" -exec touch -h -d @0 {} +
(cd "$root" && find . | LC_ALL=C sort | ./bin/busybox cpio -o -H newc 2>/dev/null) >"$folder/initramfs.cpio"

echo "$kernel"
ls -l "$folder/vmlinux" "$folder/initramfs.cpio"
