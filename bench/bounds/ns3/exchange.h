/*
 * The two applications of the fleet that simulators are compared by: clients that exchange four
 * messages of UDP with one server (400, 400, 250 and 250 bytes, as IKE_SA_INIT and IKE_AUTH have)
 * and send again what is not answered, after 1, 2, 4, 8 and 16 s; 32 s later they fail.
 */
#ifndef BOUNDS_NS3_EXCHANGE_H
#define BOUNDS_NS3_EXCHANGE_H

#include <ns3/applications-module.h>
#include <ns3/network-module.h>

/** Of all clients of a run. */
struct tally {
    uint64_t completed, failed;
    uint64_t asked, retransmissions; // messages that clients sent; of these again
};

class exchange_client : public ns3::Application
{
  public:
    exchange_client(ns3::Ipv4Address server, tally *counts) : server(server), counts(counts)
    {
    }

  private:
    ns3::Ipv4Address server;
    tally *counts;
    ns3::Ptr<ns3::Socket> socket;
    ns3::EventId timer;
    uint8_t message = 1; // last sent
    unsigned tries = 0;

    void StartApplication() override;
    void ask();
    void expire();
    void receive(ns3::Ptr<ns3::Socket>);
    void DoDispose() override;
};

class exchange_server : public ns3::Application
{
    ns3::Ptr<ns3::Socket> socket;

    void StartApplication() override;
    void receive(ns3::Ptr<ns3::Socket>);
    void DoDispose() override;
};

#endif
