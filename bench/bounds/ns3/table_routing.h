/*
 * The fastest routing that ns-3's interface allows: an array of next hops by the number of the
 * client's subnet, and one default. ns-3 ships a list that is walked for every packet, with which
 * a router of many ports is hundreds of times slower; a comparison with that would flatter us.
 */
#ifndef BOUNDS_NS3_TABLE_ROUTING_H
#define BOUNDS_NS3_TABLE_ROUTING_H

#include <ns3/internet-module.h>

#include <vector>

class table_routing : public ns3::Ipv4RoutingProtocol
{
  public:
    /** Everything that the table does not have goes out at `interface` to `gateway`. */
    void set_default(uint32_t interface, ns3::Ipv4Address gateway);
    /** Subnets are of 2^shift addresses, from `base` on. */
    void set_subnets(uint32_t base, uint32_t shift);
    /** The next subnet's way. */
    void add(uint32_t interface, ns3::Ipv4Address gateway);

    ns3::Ptr<ns3::Ipv4Route> RouteOutput(ns3::Ptr<ns3::Packet>, const ns3::Ipv4Header &,
                                         ns3::Ptr<ns3::NetDevice>,
                                         ns3::Socket::SocketErrno &) override;
    bool RouteInput(ns3::Ptr<const ns3::Packet>, const ns3::Ipv4Header &,
                    ns3::Ptr<const ns3::NetDevice>, UnicastForwardCallback,
                    MulticastForwardCallback, LocalDeliverCallback, ErrorCallback) override;
    void NotifyInterfaceUp(uint32_t) override;
    void NotifyInterfaceDown(uint32_t) override;
    void NotifyAddAddress(uint32_t, ns3::Ipv4InterfaceAddress) override;
    void NotifyRemoveAddress(uint32_t, ns3::Ipv4InterfaceAddress) override;
    void SetIpv4(ns3::Ptr<ns3::Ipv4>) override;
    void PrintRoutingTable(ns3::Ptr<ns3::OutputStreamWrapper>, ns3::Time::Unit) const override;

  private:
    ns3::Ptr<ns3::Ipv4> ip;
    uint32_t base = 0, shift = 2;
    std::vector<ns3::Ptr<ns3::Ipv4Route>> table;
    ns3::Ptr<ns3::Ipv4Route> other;

    ns3::Ptr<ns3::Ipv4Route> make(uint32_t interface, ns3::Ipv4Address gateway) const;
    ns3::Ptr<ns3::Ipv4Route> find(ns3::Ipv4Address) const;
    void DoDispose() override;
};

class table_routing_helper : public ns3::Ipv4RoutingHelper
{
  public:
    table_routing_helper *Copy() const override;
    ns3::Ptr<ns3::Ipv4RoutingProtocol> Create(ns3::Ptr<ns3::Node>) const override;
};

/** The table of a node whose stack was installed with the helper. */
ns3::Ptr<table_routing> table_routing_of(ns3::Ptr<ns3::Node>);

#endif
