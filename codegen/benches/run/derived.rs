//! The rows of the synthetic mapping with serde's derives: what most people would write.

use serde::Deserialize;

#[derive(Debug, Default, PartialEq, Deserialize)]
pub struct Row {
    pub id: Option<String>,
    pub status: Option<String>,
    pub field_number_0: Option<String>,
    pub field_number_1: Option<String>,
    pub field_number_2: Option<String>,
    pub field_number_3: Option<String>,
    pub field_number_4: Option<String>,
    pub field_number_5: Option<String>,
    pub field_number_6: Option<String>,
    pub field_number_7: Option<bool>,
    pub field_number_10: Option<String>,
    pub field_number_11: Option<String>,
    pub field_number_12: Option<String>,
    pub field_number_13: Option<String>,
    pub field_number_14: Option<String>,
    pub field_number_15: Option<String>,
    pub field_number_16: Option<String>,
    pub field_number_17: Option<bool>,
    pub field_number_20: Option<String>,
    pub field_number_21: Option<String>,
    pub field_number_22: Option<String>,
    pub field_number_23: Option<String>,
    pub field_number_24: Option<String>,
    pub field_number_25: Option<String>,
    pub field_number_26: Option<String>,
    pub field_number_27: Option<bool>,
    pub field_number_30: Option<String>,
    pub field_number_31: Option<String>,
    pub field_number_32: Option<String>,
    pub field_number_33: Option<String>,
    pub field_number_34: Option<String>,
    pub field_number_35: Option<String>,
    pub field_number_36: Option<String>,
    pub field_number_37: Option<bool>,
    pub inner: Inner,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
pub struct Inner {
    pub field_number_8: Option<String>,
    pub field_number_9: Option<String>,
    pub field_number_18: Option<String>,
    pub field_number_19: Option<String>,
    pub field_number_28: Option<String>,
    pub field_number_29: Option<String>,
    pub field_number_38: Option<String>,
    pub field_number_39: Option<String>,
}
