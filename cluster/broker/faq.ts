// The hint that Apache's broker adds to refusals; tools and tests compare whole remarks, so it is kept.

export const FAQ_HINT =
  "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.";
