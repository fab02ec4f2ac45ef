package simonvif

import (
	"encoding/xml"
	"net/url"
	"strings"
)

// answerProbes answers those that ask for cameras.
func (d *Device) answerProbes() error {
	datagram := make([]byte, 64<<10)
	for {
		n, from, err := d.probe.ReadFromUDPAddrPort(datagram)
		if err != nil {
			return err
		}
		var probe struct {
			XMLName xml.Name `xml:"http://www.w3.org/2003/05/soap-envelope Envelope"`
			ID      string   `xml:"Header>MessageID"`
			Body    struct {
				Probe struct{ Types string } `xml:"http://schemas.xmlsoap.org/ws/2005/04/discovery Probe"`
			}
		}
		if err := xml.Unmarshal(datagram[:n], &probe); err != nil || probe.ID == "" || !strings.Contains(probe.Body.Probe.Types, "NetworkVideoTransmitter") {
			d.log.Info("no probe for cameras", "from", from)
			continue
		}
		d.log.Info("probed", "from", from)
		if _, err := d.probe.WriteToUDPAddrPort(d.match(probe.ID), from); err != nil {
			return err
		}
	}
}

// match is the answer to a probe.
func (d *Device) match(id string) []byte {
	scopes := []string{"onvif://www.onvif.org/type/video_encoder", "onvif://www.onvif.org/Profile/Streaming"}
	for _, scope := range []struct{ category, value string }{{"name", d.cfg.Name}, {"hardware", d.cfg.Hardware}} {
		if scope.value != "" {
			scopes = append(scopes, "onvif://www.onvif.org/"+scope.category+"/"+url.PathEscape(scope.value))
		}
	}
	return answer("match", map[string]string{
		"ID": id, "Endpoint": d.cfg.Endpoint, "Scopes": strings.Join(scopes, " "),
		"XAddrs": strings.Join(append(d.cfg.XAddrs, d.service("device_service")), " "),
	})
}

// service is the address of one of the device's services.
func (d *Device) service(name string) string { return "http://" + d.Addr() + "/onvif/" + name }
