package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/storage/kafka"
)

// logConfig is the case log's as every command has it.
func logConfig(cfg *config.Config) kafka.Config {
	settings := kafka.DefaultConfig()
	settings.Brokers, settings.Topic, settings.Security = cfg.Kafka.Brokers, cfg.Kafka.Topic, cfg.Kafka.Security
	settings.Memory = filepath.Join(cfg.Data, "case-log.json")
	return settings
}

// openLog opens the case log as the one system that writes to it.
func (a *App) openLog(ctx context.Context) error {
	settings := logConfig(a.cfg)
	settings.SpoolDir = filepath.Join(a.cfg.Data, "spool")
	settings.System = systemLabel(a.cfg)
	if len(settings.Brokers) == 0 {
		if err := a.openBroker(&settings); err != nil {
			return err
		}
	}
	log, err := kafka.NewLog(settings, a.log, a.registry)
	if err != nil {
		return fmt.Errorf("open the case log: %w", err)
	}
	a.later(log.Close)
	a.store.log = log
	if err := log.Claim(ctx); err != nil {
		return fmt.Errorf("open the case log: %w", err)
	}
	return nil
}

// systemLabel says to people which system has the case log.
func systemLabel(cfg *config.Config) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	data, err := filepath.Abs(cfg.Data)
	if err != nil {
		data = cfg.Data
	}
	return fmt.Sprintf("host %s, data folder %s", host, data)
}

func brokerDir(cfg *config.Config) string { return filepath.Join(cfg.Data, "kafka") }

// openBroker starts the embedded broker; other commands find its socket.
func (a *App) openBroker(settings *kafka.Config) error {
	// Versions before kept a password there, with which nobody can sign in now.
	if err := os.Remove(filepath.Join(brokerDir(a.cfg), "access")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the access file of an older version: %w", err)
	}
	broker, err := kafka.OpenBroker(kafka.BrokerConfig{Dir: brokerDir(a.cfg)}, a.log)
	if err != nil {
		return err
	}
	a.later(broker.Close)
	settings.Brokers = []string{broker.Addr()}
	return nil
}
