package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"
)

// settings is what a fleet is started with. Durations in milliseconds.
type settings struct {
	TrustDomain string
	// Source is where the daemon keeps identities: a folder with one folder for each workload, or an API server.
	Source sourceSettings
	// Delivered holds one folder for each workload, as it is mounted.
	Delivered string
	// Delivery is what the kubelet brings; Workloads are those among them that live in this process.
	Delivery  []delivery
	Workloads []workloadSettings
	// PropagationBoundMs and ConsumerReloadMs are what the trust domain was told: who takes longer is late.
	PropagationBoundMs, ConsumerReloadMs int64
	// RestartsPerSecond is how many workloads of the whole fleet start anew each second, with what is delivered then.
	RestartsPerSecond float64
}

type workloadSettings struct {
	Name string
	// ReloadMs is how long after a delivery it loads the files.
	ReloadMs int64
}

const pollEvery = 50 * time.Millisecond

type fleet struct {
	settings
	kubelet   *kubelet
	workloads []*workload
	tally     *tally
	shaking   sync.Once
}

func startFleet(s settings) (*fleet, error) {
	from, err := openSource(s.Source)
	if err != nil {
		return nil, err
	}
	f := &fleet{settings: s, tally: newTally(s)}
	f.kubelet = newKubelet(s, from, f.tally)
	go f.kubelet.run()
	for _, each := range s.Workloads {
		w := &workload{workloadSettings: each, folder: s.Delivered + "/" + each.Name, trustDomain: s.TrustDomain, tally: f.tally}
		f.workloads = append(f.workloads, w)
	}
	if err := f.untilAllHaveFiles(); err != nil {
		return nil, err
	}
	for _, w := range f.workloads {
		if err := w.load(); err != nil {
			return nil, err
		}
		if w.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return nil, err
		}
		go w.serve()
	}
	go f.reload()
	return f, nil
}

// untilAllHaveFiles waits for the first delivery to every workload, of other processes too.
func (f *fleet) untilAllHaveFiles() error {
	deadline := time.Now().Add(50 * time.Second)
	for _, each := range f.Delivery {
		for {
			if _, err := os.Readlink(f.Delivered + "/" + each.Name + "/..data"); err == nil {
				break
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("%s was never delivered anything", each.Name)
			}
			time.Sleep(pollEvery)
		}
	}
	return nil
}

func (f *fleet) ports() map[string]int {
	ports := map[string]int{}
	for _, w := range f.workloads {
		ports[w.Name] = w.listener.Addr().(*net.TCPAddr).Port
	}
	return ports
}

// reload has every workload look for new files, and some start anew.
func (f *fleet) reload() {
	debt := 0.0
	for range time.Tick(pollEvery) {
		now := time.Now()
		for _, w := range f.workloads {
			w.look(now)
		}
		for debt += f.RestartsPerSecond * pollEvery.Seconds(); debt >= 1; debt-- {
			if err := f.workloads[rand.IntN(len(f.workloads))].load(); err != nil {
				fail(err)
			}
			f.tally.restarted()
		}
	}
}

// shake starts handshakes from random workloads of this process to random peers of any.
func (f *fleet) shake(peers map[string]int, perSecond float64) {
	names := make([]string, 0, len(peers))
	for name := range peers {
		names = append(names, name)
	}
	f.shaking.Do(func() {
		// A few at a time, so that one that hangs does not stop the others.
		const width = 8
		for range width {
			go func() {
				for range time.Tick(time.Duration(float64(time.Second) * width / perSecond)) {
					client, server := f.workloads[rand.IntN(len(f.workloads))], names[rand.IntN(len(names))]
					client.dial(server, peers[server])
				}
			}()
		}
	})
}
