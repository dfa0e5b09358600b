package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// delivery is one workload as the kubelet knows it.
type delivery struct {
	Name string
	// DelayMs is how long after it was written a version arrives: every version as late as the others.
	DelayMs int64
}

// version is one state of a workload's files.
type version struct {
	name  string
	files map[string][]byte
	at    time.Time // when it was written
}

// kubelet copies each version of each identity to its workload after that workload's delay, in order, none left out:
// what a kubelet's caches and its slow turns make of it, at their worst.
type kubelet struct {
	settings
	from    source
	tally   *tally
	mutex   sync.Mutex
	held    map[string]bool
	waiting map[string][]version
	count   int
	// Generations that are still there, by workload, the oldest first.
	previous map[string][]string
}

func newKubelet(s settings, from source, counts *tally) *kubelet {
	return &kubelet{settings: s, from: from, tally: counts, held: map[string]bool{}, waiting: map[string][]version{}, previous: map[string][]string{}}
}

func (k *kubelet) hold(names []string, held bool) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	for _, name := range names {
		k.held[name] = held
	}
}

func (k *kubelet) run() {
	for range time.Tick(pollEvery) {
		changed, err := k.from.changes()
		if err != nil {
			fail(err)
		}
		for _, each := range changed {
			k.waiting[each.name] = append(k.waiting[each.name], each)
		}
		for _, each := range k.Delivery {
			k.deliverDue(each)
		}
	}
}

func (k *kubelet) deliverDue(to delivery) {
	k.mutex.Lock()
	held := k.held[to.Name]
	k.mutex.Unlock()
	queue := k.waiting[to.Name]
	for ; !held && len(queue) > 0; queue = queue[1:] {
		first := !exists(filepath.Join(k.Delivered, to.Name, "..data"))
		age := time.Since(queue[0].at)
		if !first && age < time.Duration(to.DelayMs)*time.Millisecond {
			break
		}
		if err := k.write(to.Name, queue[0].files); err != nil {
			fail(err)
		}
		if !first {
			k.tally.delivered(to.Name, age)
		}
	}
	k.waiting[to.Name] = queue
}

// write replaces all files of a workload in one step, as a kubelet does: a new folder, and the link ..data moved to it.
func (k *kubelet) write(name string, files map[string][]byte) error {
	folder := filepath.Join(k.Delivered, name)
	k.count++
	generation := fmt.Sprintf("..%d", k.count)
	if err := os.MkdirAll(filepath.Join(folder, generation), 0o700); err != nil {
		return err
	}
	for file, content := range files {
		if err := os.WriteFile(filepath.Join(folder, generation, file), content, 0o600); err != nil {
			return err
		}
	}
	link := filepath.Join(folder, "..data_tmp")
	if err := os.Symlink(generation, link); err != nil {
		return err
	}
	if err := os.Rename(link, filepath.Join(folder, "..data")); err != nil {
		return err
	}
	// The last one stays for a while: openssl opens its files one after the other.
	older := k.previous[name]
	k.previous[name] = append(older, generation)
	if len(older) < 2 {
		return nil
	}
	k.previous[name] = k.previous[name][1:]
	return os.RemoveAll(filepath.Join(folder, older[0]))
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
