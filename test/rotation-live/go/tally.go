package main

import (
	"slices"
	"sync"
	"time"
)

// refusal is one end of a handshake that failed. A client names both ends, a server itself alone.
type refusal struct {
	Client   string   `json:"client,omitempty"`
	Server   string   `json:"server"`
	Reason   string   `json:"reason"`
	LeafRoot string   `json:"leafRoot"`
	Roots    []string `json:"roots"`
}

// report is what has happened since the last one.
type report struct {
	OK int `json:"ok"`
	// Crossed counts those of OK whose two leaves chain to different roots.
	Crossed  int       `json:"crossed"`
	Restarts int       `json:"restarts"`
	Failed   []refusal `json:"failed"`
	// Refused is what servers say of handshakes that failed.
	Refused []refusal `json:"refused"`
	// Late names who got or loaded something later than the bounds allow, because it was held or the machine was slow.
	Late             []string       `json:"late"`
	SlowestDeliverMs int64          `json:"slowestDeliverMs"`
	SlowestReloadMs  int64          `json:"slowestReloadMs"`
	Leaves           map[string]int `json:"leaves"`
	Bundles          map[int]int    `json:"bundles"`
}

type tally struct {
	deliveryBound, reloadBound time.Duration

	mutex  sync.Mutex
	counts report
	late   map[string]bool
}

func newTally(s settings) *tally {
	milliseconds := func(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }
	return &tally{deliveryBound: milliseconds(s.PropagationBoundMs), reloadBound: milliseconds(s.ConsumerReloadMs), late: map[string]bool{}}
}

func (t *tally) change(what func(counts *report)) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	what(&t.counts)
}

func (t *tally) shook(crossed bool) {
	t.change(func(counts *report) {
		counts.OK++
		if crossed {
			counts.Crossed++
		}
	})
}

func (t *tally) refused(r refusal) {
	t.change(func(counts *report) {
		if r.Client == "" {
			counts.Refused = append(counts.Refused, r)
		} else {
			counts.Failed = append(counts.Failed, r)
		}
	})
}

func (t *tally) restarted() {
	t.change(func(counts *report) { counts.Restarts++ })
}

func (t *tally) reloaded(name string, after time.Duration) {
	t.change(func(counts *report) {
		counts.SlowestReloadMs = max(counts.SlowestReloadMs, after.Milliseconds())
		t.late[name] = t.late[name] || after > t.reloadBound
	})
}

func (t *tally) delivered(name string, after time.Duration) {
	t.change(func(counts *report) {
		counts.SlowestDeliverMs = max(counts.SlowestDeliverMs, after.Milliseconds())
		t.late[name] = t.late[name] || after > t.deliveryBound
	})
}

// take answers with the counts and starts anew; who was late stays named.
func (t *tally) take(f *fleet) report {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	taken := t.counts
	taken.Failed, taken.Refused, taken.Late = append([]refusal{}, taken.Failed...), append([]refusal{}, taken.Refused...), []string{}
	t.counts = report{}
	for name, late := range t.late {
		if late {
			taken.Late = append(taken.Late, name)
		}
	}
	slices.Sort(taken.Late)
	taken.Leaves, taken.Bundles = map[string]int{}, map[int]int{}
	for _, w := range f.workloads {
		own := w.current.Load()
		taken.Leaves[own.leafRoot]++
		taken.Bundles[len(own.roots)]++
	}
	return taken
}
