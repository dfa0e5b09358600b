#!/bin/sh
# leave.sh: ends the node whose folder holds this script, whoever may have died before: every process of its cgroups, its
# mounts, network, cgroups and the few files that programs keep outside of the folder. Again and again does no harm.
# It fails when something stays.
set -u
here=$(cd "$(dirname "$0")" && pwd -P)
group=$(cat "$here/group")
bridge=$(cat "$here/bridge")
mine() { find /sys/fs/cgroup/*/"$group" -depth -type d 2>/dev/null; }

# One round may see a process fork after it was listed, so until none is left.
tries=0
while pids=$(mine | while read -r folder; do cat "$folder/cgroup.procs" 2>/dev/null; done | sort -u) && [ -n "$pids" ] && [ $tries -lt 200 ]; do
  kill -9 $pids 2>/dev/null
  tries=$((tries + 1))
  sleep 0.05
done

# containerd's shims listen in a folder of the machine, and leave their sockets there when they are killed: all that nobody
# listens at any more goes.
for socket in /run/containerd/s/*; do
  [ ! -S "$socket" ] || grep -qF " $socket" /proc/net/unix || rm -f -- "$socket"
done

# The newest mount first: what lies upon another came after it.
awk -v root="$here/" 'index($5, root) == 1 { print $5 }' /proc/self/mountinfo | tac | while read -r place; do
  place=$(printf '%b' "$place")
  umount "$place" 2>/dev/null || umount -l "$place"
done

[ ! -e "/sys/class/net/$bridge" ] || ip link delete "$bridge"

# The kernel lets a cgroup go a moment after its last process.
tries=0
while [ -n "$(mine)" ] && [ $tries -lt 200 ]; do
  mine | while read -r folder; do rmdir "$folder" 2>/dev/null; done
  tries=$((tries + 1))
  [ -z "$(mine)" ] || sleep 0.05
done

for file in /var/lib/cni/results/"$group"-*-eth0; do
  [ -e "$file" ] || continue
  container=${file#/var/lib/cni/results/"$group"-}
  rm -f -- "$file" "/var/lib/cni/results/cni-loopback-${container%-eth0}-lo"
done
[ ! -d /var/log/containers ] || find /var/log/containers -lname "$here/*" -delete
# A name that kubelet's source fixes.
rm -f /var/lib/kubelet/device-plugins/kubelet.sock
rmdir -p /var/lib/kubelet/device-plugins 2>/dev/null
# kubelet sets what it wants of the kernel; the machine gets back what it had.
[ ! -e "$here/sysctls" ] || while read -r file value; do echo "$value" > "$file"; done < "$here/sysctls"

[ -z "$(mine)" ] && [ ! -e "/sys/class/net/$bridge" ] && ! grep -qF " $here/" /proc/self/mountinfo
