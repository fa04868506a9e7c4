package control

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"porchlight/internal/localcloud/iotcore/registry"
)

// keyPair is KeyPair of the API, whose members begin with capitals.
type keyPair struct {
	PublicKey  string
	PrivateKey string
}

// status is what setAsActive asks for.
func wantedStatus(r *http.Request) (registry.Status, error) {
	active, err := flag(r, "setAsActive")
	if active {
		return registry.Active, err
	}
	return registry.Inactive, err
}

func (c *control) createKeysAndCertificate(r *http.Request) (any, error) {
	status, err := wantedStatus(r)
	if err != nil {
		return nil, err
	}
	certPEM, keyPEM, publicPEM, err := c.Authority.Client(0)
	if err != nil {
		return nil, err
	}
	id, err := c.Registry.AddCertificate(certPEM, status)
	if err != nil {
		return nil, err
	}
	c.Log.Info("iot certificate created", "certificate", id, "status", status)
	return map[string]any{
		"certificateArn": c.ARN("cert", id), "certificateId": id, "certificatePem": string(certPEM),
		"keyPair": keyPair{PublicKey: string(publicPEM), PrivateKey: string(keyPEM)},
	}, nil
}

func (c *control) createCertificateFromCsr(r *http.Request) (any, error) {
	status, err := wantedStatus(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		CertificateSigningRequest string `json:"certificateSigningRequest"`
	}
	if err := body(r, &in); err != nil {
		return nil, err
	}
	certPEM, err := c.Authority.SignRequest([]byte(in.CertificateSigningRequest))
	if err != nil {
		return nil, err
	}
	id, err := c.Registry.AddCertificate(certPEM, status)
	if err != nil {
		return nil, err
	}
	c.Log.Info("iot certificate created from a request", "certificate", id, "status", status)
	return map[string]string{"certificateArn": c.ARN("cert", id), "certificateId": id, "certificatePem": string(certPEM)}, nil
}

func (c *control) describeCertificate(r *http.Request) (any, error) {
	id := r.PathValue("certificate")
	certificate, err := c.Registry.Certificate(id)
	if err != nil {
		return nil, err
	}
	out := map[string]any{
		"certificateArn": c.ARN("cert", id), "certificateId": id, "status": certificate.Status, "ownedBy": c.AccountID,
		"creationDate": epoch(certificate.Created), "lastModifiedDate": epoch(certificate.Modified),
		"customerVersion": 1, "certificateMode": "DEFAULT",
	}
	if parsed, err := certificate.X509(); err == nil { // those of old files are known by id alone
		out["certificatePem"] = certificate.PEM
		out["validity"] = map[string]any{"notBefore": epoch(parsed.NotBefore), "notAfter": epoch(parsed.NotAfter)}
	}
	return map[string]any{"certificateDescription": out}, nil
}

func (c *control) updateCertificate(r *http.Request) (any, error) {
	id, status := r.PathValue("certificate"), registry.Status(strings.ToUpper(r.URL.Query().Get("newStatus")))
	if err := c.Registry.SetStatus(id, status); err != nil {
		return nil, err
	}
	c.Log.Info("iot certificate changed", "certificate", id, "status", status)
	return struct{}{}, nil
}

// listCertificates lists by date of creation, the newest first unless asked otherwise.
func (c *control) listCertificates(r *http.Request) (any, error) {
	ascending, err := flag(r, "isAscendingOrder")
	if err != nil {
		return nil, err
	}
	known := map[string]registry.Certificate{}
	for _, id := range c.Registry.Certificates() {
		if certificate, err := c.Registry.Certificate(id); err == nil {
			known[id] = certificate
		}
	}
	var ids []string
	for id := range known {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int {
		order := cmp.Or(known[a].Created.Compare(known[b].Created), cmp.Compare(a, b))
		if !ascending {
			order = -order
		}
		return order
	})
	cut, next, err := page(r, ids)
	if err != nil {
		return nil, err
	}
	out := []map[string]any{}
	for _, id := range cut {
		out = append(out, map[string]any{
			"certificateArn": c.ARN("cert", id), "certificateId": id, "status": known[id].Status,
			"certificateMode": "DEFAULT", "creationDate": epoch(known[id].Created),
		})
	}
	return map[string]any{"certificates": out, "nextMarker": next}, nil
}

func (c *control) deleteCertificate(r *http.Request) (any, error) {
	force, err := flag(r, "forceDelete")
	if err != nil {
		return nil, err
	}
	return nil, c.Registry.DeleteCertificate(r.PathValue("certificate"), force)
}
