#!/bin/sh
# enter.sh GROUP PROGRAM ARGUMENT…: becomes PROGRAM inside GROUP/system of every cgroup v1 hierarchy.
# One path in all of them: kubelet refuses to measure itself otherwise. Whatever the program starts stays below GROUP.
set -eu
group=$1
shift
for hierarchy in /sys/fs/cgroup/*/; do
  [ -e "$hierarchy/cgroup.procs" ] && [ ! -e "$hierarchy/cgroup.controllers" ] || continue
  for path in "$group" "$group/system"; do
    folder=$hierarchy$path
    [ -d "$folder" ] || mkdir "$folder"
    # A new cpuset is empty, and nobody may enter one that has no processor or no memory.
    for kind in cpus mems; do
      [ ! -e "$folder/cpuset.$kind" ] || cat "$folder/../cpuset.$kind" > "$folder/cpuset.$kind"
    done
  done
  echo $$ > "$hierarchy$group/system/cgroup.procs"
done
exec "$@"
