package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// secretSource watches the Secrets of a namespace, as the kubelet's own watches do.
type secretSource struct {
	settings sourceSettings
	client   *http.Client
	wanted   map[string]bool
	mutex    sync.Mutex
	changed  []version
	known    map[string]string
}

type secret struct {
	Metadata struct{ Name, ResourceVersion string }
	Data     map[string][]byte
}

func openSecrets(s sourceSettings) (source, error) {
	anchor, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(anchor)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	result := &secretSource{settings: s, client: client, wanted: map[string]bool{}, known: map[string]string{}}
	for _, name := range s.Names {
		result.wanted[name+"-mtls"] = true
	}
	go func() {
		for {
			if err := result.follow(); err != nil {
				fmt.Fprintln(os.Stderr, "fleet: the watch ended:", err)
			}
			time.Sleep(200 * time.Millisecond)
		}
	}()
	return result, nil
}

func (s *secretSource) changes() ([]version, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	changed := s.changed
	s.changed = nil
	return changed, nil
}

// follow lists and then watches until the connection ends.
func (s *secretSource) follow() error {
	response, err := s.get("")
	if err != nil {
		return err
	}
	var list struct {
		Metadata struct{ ResourceVersion string }
		Items    []secret
	}
	err = json.NewDecoder(response.Body).Decode(&list)
	response.Body.Close()
	if err != nil {
		return err
	}
	for _, item := range list.Items {
		s.note(item)
	}
	if response, err = s.get("?watch=1&allowWatchBookmarks=false&resourceVersion=" + list.Metadata.ResourceVersion); err != nil {
		return err
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return err
		}
		var event struct {
			Type   string
			Object secret
		}
		if err := json.Unmarshal(line, &event); err != nil {
			return err
		}
		switch event.Type {
		case "ADDED", "MODIFIED":
			s.note(event.Object)
		case "ERROR":
			return fmt.Errorf("%s", line)
		}
	}
}

func (s *secretSource) get(query string) (*http.Response, error) {
	asked, err := http.NewRequest(http.MethodGet, s.settings.Server+"/api/v1/namespaces/"+s.settings.Namespace+"/secrets"+query, nil)
	if err != nil {
		return nil, err
	}
	asked.Header.Set("Authorization", "Bearer "+s.settings.Token)
	response, err := s.client.Do(asked)
	if err == nil && response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fmt.Errorf("listing Secrets: %s", response.Status)
	}
	return response, err
}

func (s *secretSource) note(found secret) {
	name := found.Metadata.Name
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if !s.wanted[name] || s.known[name] == found.Metadata.ResourceVersion || len(found.Data["tls.crt"]) == 0 {
		return
	}
	s.known[name] = found.Metadata.ResourceVersion
	next := version{name: strings.TrimSuffix(name, "-mtls"), files: map[string][]byte{}, at: time.Now()}
	for _, file := range deliveredFiles {
		next.files[file] = found.Data[file]
	}
	s.changed = append(s.changed, next)
}
