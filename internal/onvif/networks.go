package onvif

import (
	"fmt"
	"net"
	"net/netip"
)

// pick lists the interfaces of these names, or those where cameras may be.
func pick(names []string) ([]net.Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInterface, err)
	}
	var list []net.Interface
	if len(names) > 0 {
		for _, name := range names {
			i, err := net.InterfaceByName(name)
			if err != nil {
				return nil, fmt.Errorf("%w: there is no interface %s", ErrInterface, clean(name))
			}
			list = append(list, *i)
		}
		return list, nil
	}
	for _, i := range all {
		if i.Flags&net.FlagUp != 0 && i.Flags&net.FlagMulticast != 0 && i.Flags&net.FlagLoopback == 0 && address(i).IsValid() {
			list = append(list, i)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: this machine has none with an IPv4 address", ErrInterface)
	}
	return list, nil
}

// address is the IPv4 address of an interface, the zero one if it has none.
func address(i net.Interface) netip.Addr {
	addresses, err := i.Addrs()
	if err != nil {
		return netip.Addr{}
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP.To4()); ok {
				return ip
			}
		}
	}
	return netip.Addr{}
}
