from ondemand import OnDemand

app = OnDemand()
