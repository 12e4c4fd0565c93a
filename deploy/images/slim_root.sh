#!/bin/sh
# Takes out of Debian's root what only installs, boots or logs in: package managers, perl, file-system tools, shells for people.
# What stays: the C library, Python, the certificates, sh, coreutils and find (for probes), and dpkg's list for scanners.
# Where Mesa is installed, its driver for this processor stays; libraries in the folder FOLDER take the place of their namesakes.
#
#   sh slim_root.sh [FOLDER]
set -eu

packages="adduser apt bash bsdutils debconf debian-archive-keyring diffutils dpkg e2fsprogs gpgv gzip hostname
  init-system-helpers libapt-pkg6.0 libaudit-common libaudit1 libblkid1 libcap-ng0 libcap2 libcom-err2 libdb5.3
  libdebconfclient0 libext2fs2 libgcrypt20 libgnutls30 libgpg-error0 libhogweed6 libidn2-0 liblz4-1 libmount1 libnettle8
  libp11-kit0 libpam-modules libpam-modules-bin libpam-runtime libpam0g libseccomp2 libsemanage-common libsemanage2
  libsepol2 libsmartcols1 libss2 libsystemd0 libtasn1-6 libudev1 libunistring2 libxxhash0 login logsave mawk mount
  ncurses-base ncurses-bin openssl passwd perl-base sed sysvinit-utils tar util-linux util-linux-extra usr-is-merged"

# Listed first: dpkg is among what goes.
list=$(mktemp)
for package in $packages; do
  dpkg -L "$package" 2>/dev/null || true
done | sort -u > "$list"
while read -r path; do
  # Folders stay for what others have in them, and links to folders too: /bin is one.
  if [ ! -d "$path" ]; then
    rm -f "$path"
  fi
done < "$list"
rm -f "$list"

libraries=/usr/lib/$(uname -m)-linux-gnu
rm -rf "$libraries/gconv" "$libraries/perl-base" "$libraries/security" "$libraries"/libsqlite3.so* /usr/lib/apt /usr/lib/udev /usr/lib/systemd /usr/lib/init \
  /usr/share/doc /usr/share/man /usr/share/locale /usr/share/perl5 /usr/share/debconf /usr/share/dpkg /usr/share/lintian \
  /usr/share/bash-completion /usr/share/bug /usr/share/keyrings /usr/share/zoneinfo/right /usr/share/zoneinfo/posix \
  /usr/lib/python3.11/lib2to3 /usr/lib/python3.11/idlelib /usr/lib/python3.11/pydoc_data /usr/lib/python3.11/ensurepip \
  /usr/lib/python3.11/test /var/lib/dpkg/info /var/lib/apt /var/lib/pam /var/lib/systemd /var/cache /var/log
mkdir -p /var/cache /var/log

# One file under many names: each would be copied as a file of its own.
drivers=$libraries/dri
if [ -d "$drivers" ]; then
  mv "$drivers/swrast_dri.so" "$libraries/swrast_dri.so"
  rm -rf "$drivers" /usr/share/X11
  mkdir "$drivers"
  mv "$libraries/swrast_dri.so" "$drivers/swrast_dri.so"
  ln -s swrast_dri.so "$drivers/kms_swrast_dri.so"
fi
if [ -n "${1:-}" ]; then
  cp "$1"/* "$libraries"
  # Tables of characters, for which no hollow library asks.
  rm -f "$libraries"/libicu[dit]*
fi
