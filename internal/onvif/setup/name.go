package setup

import (
	"slices"
	"strings"

	"porchlight/internal/onvif"
)

// nothings are names that cameras come with and that say nothing.
func nothings() []string {
	return []string{
		"", "camera", "cam", "ipc", "ipcam", "ip-camera", "ipcamera", "ip-cam", "network-camera", "onvif", "onvif-camera", "onvif-device", "nvt",
		"device", "default", "unknown", "none", "china", "global", "hangzhou", "shenzhen", "location", "name", "video", "h264", "hd", "dvr", "nvr",
	}
}

// nameOf makes a name of what the camera is called, of where it is, or of what
// it is.
func nameOf(d *onvif.Description) string {
	model := slug(d.Model)
	for _, text := range []string{d.Name, d.Location} {
		name := slug(text)
		if slices.Contains(nothings(), name) || name == slug(d.Manufacturer) || model != "" && strings.Contains(name, model) {
			continue
		}
		return name
	}
	if model == "" {
		return "camera"
	}
	return model
}

// slug makes a text fit to name a camera: a-z, 0-9 and - alone, and short.
func slug(text string) string {
	text = strings.NewReplacer(
		"ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "æ", "ae", "ø", "o", "å", "a", "á", "a", "à", "a", "â", "a", "ã", "a", "ç", "c",
		"é", "e", "è", "e", "ê", "e", "ë", "e", "í", "i", "ì", "i", "î", "i", "ñ", "n", "ó", "o", "ò", "o", "ô", "o", "õ", "o", "ú", "u", "ù", "u", "û", "u",
	).Replace(strings.ToLower(text))
	words := strings.FieldsFunc(text, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	name := strings.Join(words, "-")
	return strings.Trim(name[:min(len(name), 40)], "-")
}
