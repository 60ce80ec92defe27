#include "table_routing.h"

using namespace ns3;

Ptr<Ipv4Route> table_routing::make(uint32_t interface, Ipv4Address gateway) const
{
    Ptr<Ipv4Route> route = Create<Ipv4Route>();

    route->SetGateway(gateway);
    route->SetOutputDevice(ip->GetNetDevice(interface));
    route->SetSource(ip->GetAddress(interface, 0).GetLocal());
    return route;
}

void table_routing::set_default(uint32_t interface, Ipv4Address gateway)
{
    other = make(interface, gateway);
}

void table_routing::set_subnets(uint32_t first, uint32_t bits)
{
    base = first;
    shift = bits;
}

void table_routing::add(uint32_t interface, Ipv4Address gateway)
{
    table.push_back(make(interface, gateway));
}

Ptr<Ipv4Route> table_routing::find(Ipv4Address address) const
{
    uint32_t i = (address.Get() - base) >> shift;

    return i < table.size() ? table[i] : other;
}

Ptr<Ipv4Route> table_routing::RouteOutput(Ptr<Packet>, const Ipv4Header &header, Ptr<NetDevice>,
                                          Socket::SocketErrno &error)
{
    Ptr<Ipv4Route> route = find(header.GetDestination());

    error = route ? Socket::ERROR_NOTERROR : Socket::ERROR_NOROUTETOHOST;
    return route;
}

bool table_routing::RouteInput(Ptr<const Packet> packet, const Ipv4Header &header,
                               Ptr<const NetDevice> device, UnicastForwardCallback forward,
                               MulticastForwardCallback, LocalDeliverCallback deliver,
                               ErrorCallback)
{
    uint32_t interface = ip->GetInterfaceForDevice(device);
    Ptr<Ipv4Route> route;

    if (ip->IsDestinationAddress(header.GetDestination(), interface)) {
        deliver(packet, header, interface);
        return true;
    }
    route = find(header.GetDestination());
    if (!route)
        return false;
    forward(route, packet, header);
    return true;
}

void table_routing::NotifyInterfaceUp(uint32_t)
{
}

void table_routing::NotifyInterfaceDown(uint32_t)
{
}

void table_routing::NotifyAddAddress(uint32_t, Ipv4InterfaceAddress)
{
}

void table_routing::NotifyRemoveAddress(uint32_t, Ipv4InterfaceAddress)
{
}

void table_routing::SetIpv4(Ptr<Ipv4> stack)
{
    ip = stack;
}

void table_routing::PrintRoutingTable(Ptr<OutputStreamWrapper>, Time::Unit) const
{
}

void table_routing::DoDispose()
{
    ip = nullptr;
    other = nullptr;
    table.clear();
    Ipv4RoutingProtocol::DoDispose();
}

table_routing_helper *table_routing_helper::Copy() const
{
    return new table_routing_helper(*this);
}

Ptr<Ipv4RoutingProtocol> table_routing_helper::Create(Ptr<Node>) const
{
    return CreateObject<table_routing>();
}

Ptr<table_routing> table_routing_of(Ptr<Node> node)
{
    return DynamicCast<table_routing>(node->GetObject<Ipv4>()->GetRoutingProtocol());
}
