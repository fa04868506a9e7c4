package onvif

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/IOTechSystems/onvif/device"
	schema "github.com/IOTechSystems/onvif/xsd/onvif"
)

// services are the addresses of a camera's services; nil where it has none.
type services struct {
	media, media2, ptz, events *url.URL
}

// Namespaces by which GetServices tells services apart.
const (
	mediaService  = "http://www.onvif.org/ver10/media/wsdl"
	media2Service = "http://www.onvif.org/ver20/media/wsdl"
	ptzService    = "http://www.onvif.org/ver20/ptz/wsdl"
	eventsService = "http://www.onvif.org/ver10/events/wsdl"
)

type serviceList struct {
	Service []struct{ Namespace, XAddr string }
}

type capabilities struct {
	Capabilities struct {
		Media, PTZ, Events struct{ XAddr string }
	}
}

// readServices asks for the services, in the old way where the new one is not
// known.
func (d *Device) readServices(ctx context.Context) error {
	var list serviceList
	err := d.transport.call(ctx, request{
		service: d.address, message: device.GetServices{}, want: "GetServicesResponse", answer: &list,
	})
	if err == nil {
		for _, s := range list.Service {
			d.setService(strings.TrimSpace(s.Namespace), s.XAddr)
		}
	}
	if d.services.media != nil || d.services.media2 != nil || errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrUnreachable) {
		return err
	}
	var old capabilities
	err = d.transport.call(ctx, request{
		service: d.address, message: device.GetCapabilities{Category: []schema.CapabilityCategory{"All"}}, want: "GetCapabilitiesResponse", answer: &old,
	})
	if err != nil {
		return err
	}
	d.setService(mediaService, old.Capabilities.Media.XAddr)
	d.setService(ptzService, old.Capabilities.PTZ.XAddr)
	d.setService(eventsService, old.Capabilities.Events.XAddr)
	return nil
}

func (d *Device) setService(namespace, text string) {
	given, err := serviceURL(text)
	if err != nil {
		if text != "" {
			d.cfg.Log.Debug("address of a service left out", "service", clean(namespace), "error", err)
		}
		return
	}
	at, elsewhere := home(given, d.address)
	if elsewhere {
		d.cfg.Log.Debug("camera gives another host's address for a service; its own is used", "service", clean(namespace), "given", clean(given.Host))
	}
	switch namespace {
	case mediaService:
		d.services.media = at
	case media2Service:
		d.services.media2 = at
	case ptzService:
		d.services.ptz = at
	case eventsService:
		d.services.events = at
	}
}
